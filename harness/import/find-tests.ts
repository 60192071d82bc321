import { readdirSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { PvhError } from "../errors.ts";
import { messageOfThrown } from "../thrown.ts";

/** Folders that are looked into; Pantavisor's tree has 200. */
const MOST = 20_000;

/**
 * The directories with a test.json below these, sorted. Links to folders are not followed.
 * @throws PvhError PVH_USAGE for a folder that cannot be read
 */
export function findTests(folders: readonly string[]): string[] {
  const found = new Set<string>();
  let seen = 0;
  const look = (folder: string): void => {
    seen += 1;
    if (seen > MOST) return;
    const entries = readdirSync(folder, { withFileTypes: true });
    if (entries.some(({ name }) => name === "test.json")) found.add(folder);
    for (const entry of entries) {
      if (entry.isDirectory() && entry.name !== ".git") look(join(folder, entry.name));
    }
  };
  for (const folder of folders) {
    try {
      look(realpathSync(folder));
    } catch (cause) {
      throw new PvhError("PVH_USAGE", `${folder}: ${messageOfThrown(cause)}`, { cause });
    }
  }
  return [...found].sort();
}
