import { readdirSync } from "node:fs";
import { join } from "node:path";

/** Folders below a path of evidence that are looked into. */
const DEEPEST = 12;

/** The file itself, or the regular files of a folder, in any depth; no link is followed. */
export function filesOf(path: string, depth = 0): string[] {
  let entries;
  try {
    entries = readdirSync(path, { withFileTypes: true });
  } catch (error) {
    const isFile = error instanceof Error && "code" in error && error.code === "ENOTDIR";
    return isFile ? [path] : [];
  }
  return entries
    .toSorted((a, b) => Number(b.isFile()) - Number(a.isFile()))
    .flatMap((entry) => {
      const inside = join(path, entry.name);
      if (entry.isFile()) return [inside];
      return entry.isDirectory() && depth < DEEPEST ? filesOf(inside, depth + 1) : [];
    });
}
