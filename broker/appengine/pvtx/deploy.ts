import {
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import type { ObjectStore } from "./object-store.ts";
import type { StateDocument } from "./state-merge.ts";

/**
 * Write a state out as a revision folder (facts §2.5): `.pvr/json`, hard links to the objects,
 * inline documents as files. It appears under its name complete or not at all; the folder it
 * replaces is `.bak` until then.
 * @throws Error naming a key that is not a relative path, or a missing object
 */
export function deploy(state: StateDocument, store: ObjectStore, folder: string): void {
  const incoming = `${folder}.incoming`;
  rmSync(incoming, { recursive: true, force: true });
  mkdirSync(join(incoming, ".pvr"), { recursive: true });
  mkdirSync(join(incoming, ".pv"));
  writeFileSync(join(incoming, ".pvr/json"), JSON.stringify(state));
  writeFileSync(join(incoming, ".pvr/config"), JSON.stringify({ Spec: "1" }));
  for (const [key, value] of Object.entries(state)) {
    if (key === "#spec") continue;
    const path = join(incoming, safePath(key));
    mkdirSync(dirname(path), { recursive: true });
    if (typeof value === "string") linkOrCopy(store.pathOf(value), path);
    else writeFileSync(path, JSON.stringify(value));
  }
  const backup = `${folder}.bak`;
  rmSync(backup, { recursive: true, force: true });
  if (existsSync(folder)) renameSync(folder, backup);
  renameSync(incoming, folder);
  rmSync(backup, { recursive: true, force: true });
}

/** @throws Error when the key could lead out of the folder or onto its own bookkeeping */
function safePath(key: string): string {
  const segments = key.split("/");
  const bad = segments.some((part) => part === "" || part === "." || part === "..");
  if (bad || key.includes("\0") || segments[0] === ".pvr" || segments[0] === ".pv") {
    throw new Error(`state key ${JSON.stringify(key)} is not a path inside the revision`);
  }
  return key;
}

function linkOrCopy(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EXDEV") throw error;
    copyFileSync(from, to);
  }
}
