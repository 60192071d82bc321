import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { MODULE } from "../root.ts";
import type { Sources } from "../catalogue/touched.ts";

const FOLDERS = ["broker", "containers", "examples", "scenarios"];

/** Texts of the modules of a clone that a change may reach. */
export function sourceTexts(root: string): Sources {
  const paths = FOLDERS.flatMap((folder) => {
    try {
      const names = readdirSync(join(root, folder), { recursive: true, encoding: "utf8" });
      return names.filter((name) => name.endsWith(MODULE)).map((name) => `${folder}/${name}`);
    } catch {
      return [];
    }
  });
  return new Map(paths.map((path) => [path, textOf(join(root, path))]));
}

/** A file may go while it is looked at. */
function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
