import {
  closeSync,
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
} from "node:fs";
import { dirname, join, resolve } from "node:path";
import { tryLock } from "../../../shared/linux/flock.ts";
import { syncFolder, writeSynced } from "../durable-file.ts";
import type { Quirks } from "../../../shared/quirks/quirks.ts";
import { none } from "../../../shared/quirks/quirks.ts";
import { progressOf } from "../step-progress.ts";
import { showHalf } from "./half-revision.quirk.ts";
import type { ObjectStore } from "./object-store.ts";
import type { StateDocument } from "./state-merge.ts";
import { isBeingWritten } from "./writer-lock.ts";

/** Suffixes of a folder that is not complete yet, and of one that has been replaced. */
export const INCOMING_SUFFIX = ".incoming";
export const BACKUP_SUFFIX = ".bak";

/**
 * Write a state out as a revision folder (docs/pantavisor.md §2.5): `.pvr/json`, hard links to the
 * objects, inline documents as files. It appears under its name complete or not at all, also when
 * the power is cut; the folder it replaces is `.bak` until then. A lock on the incoming folder
 * tells recover-trails.ts that somebody works on it.
 * @throws Error naming a key that is not a relative path, or a missing object
 */
export function deploy(
  state: StateDocument,
  store: ObjectStore,
  folder: string,
  quirks: Quirks = none,
): void {
  if (quirks.has("half-revision")) showHalf(state, folder);
  const incoming = `${folder}${INCOMING_SUFFIX}`;
  if (existsSync(incoming) && isBeingWritten(incoming)) {
    throw new Error(`${folder} is being written by somebody else`);
  }
  rmSync(incoming, { recursive: true, force: true });
  mkdirSync(incoming, { recursive: true });
  const lock = openSync(incoming, "r");
  try {
    tryLock(lock);
    fill(incoming, state, store);
    replace(folder, incoming);
  } catch (error) {
    rmSync(incoming, { recursive: true, force: true });
    throw error;
  } finally {
    closeSync(lock);
  }
}

function fill(incoming: string, state: StateDocument, store: ObjectStore): void {
  const folders = new Set([incoming, join(incoming, ".pvr"), join(incoming, ".pv")]);
  for (const path of folders) mkdirSync(path, { recursive: true });
  writeSynced(join(incoming, ".pvr/json"), JSON.stringify(state));
  const config = { Spec: "1", ObjectsDir: resolve(store.folder) };
  writeSynced(join(incoming, ".pvr/config"), JSON.stringify(config));
  writeSynced(join(incoming, ".pv/progress"), JSON.stringify(progressOf.installed));
  for (const [key, value] of Object.entries(state)) {
    if (key === "#spec") continue;
    const path = join(incoming, safePath(key));
    mkdirSync(dirname(path), { recursive: true });
    for (let part = dirname(path); part !== incoming; part = dirname(part)) folders.add(part);
    if (typeof value === "string") linkOrCopy(store.pathOf(value), path);
    else writeSynced(path, JSON.stringify(value), "wx");
  }
  for (const path of [store.folder, ...folders]) syncFolder(path);
}

function replace(folder: string, incoming: string): void {
  const backup = `${folder}${BACKUP_SUFFIX}`;
  rmSync(backup, { recursive: true, force: true });
  if (existsSync(folder)) renameSync(folder, backup);
  renameSync(incoming, folder);
  syncFolder(dirname(folder));
  rmSync(backup, { recursive: true, force: true });
}

/** @throws Error when the key could lead out of the folder or onto its own bookkeeping */
function safePath(key: string): string {
  const segments = key.split("/");
  const bad = segments.some((part) => part === "" || part === "." || part === "..");
  // Half a surrogate pair is written as U+FFFD: two keys would be one file.
  if (
    bad ||
    key.includes("\0") ||
    !key.isWellFormed() ||
    segments[0] === ".pvr" ||
    segments[0] === ".pv"
  ) {
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
