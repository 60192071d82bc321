import { readFileSync } from "node:fs";
import { join } from "node:path";

/**
 * Path of an object of a container.
 * @throws Error when the name is not that of a file beside run.json
 */
export function objectPath(revisionFolder: string, container: string, file: string): string {
  if (!/^[A-Za-z0-9_-][A-Za-z0-9_.-]*$/.test(file)) {
    throw new Error(`config ${JSON.stringify(file)} is not a file name`);
  }
  return join(revisionFolder, container, file);
}

/**
 * A text object of a container, as deployed.
 * @throws Error when the name is not that of a file beside run.json
 */
export function readObject(revisionFolder: string, container: string, file: string): string {
  return readFileSync(objectPath(revisionFolder, container, file), "utf8");
}
