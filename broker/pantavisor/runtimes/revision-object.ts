import { readFileSync } from "node:fs";
import { join } from "node:path";

/**
 * A text object of a container, as deployed.
 * @throws Error when the name is not that of a file beside run.json
 */
export function readObject(revisionFolder: string, container: string, file: string): string {
  if (!/^[A-Za-z0-9_-][A-Za-z0-9_.-]*$/.test(file)) {
    throw new Error(`config ${JSON.stringify(file)} is not a file name`);
  }
  return readFileSync(join(revisionFolder, container, file), "utf8");
}
