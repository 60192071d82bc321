import { existsSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { BACKUP_SUFFIX, INCOMING_SUFFIX } from "./deploy.ts";
import { isBeingWritten } from "./writer-lock.ts";

/**
 * Finish or undo what killed writers of revisions have left below a folder: an incomplete folder
 * is removed; one that was moved aside, with nothing in its place yet, comes back. Folders of
 * living writers are left alone.
 */
export function recoverTrails(folder: string): void {
  if (!existsSync(folder)) return;
  const names = readdirSync(folder);
  const inWork = new Set<string>();
  for (const name of names.filter((one) => one.endsWith(INCOMING_SUFFIX))) {
    if (isBeingWritten(join(folder, name))) inWork.add(name.slice(0, -INCOMING_SUFFIX.length));
    else rmSync(join(folder, name), { recursive: true, force: true });
  }
  for (const name of names.filter((one) => one.endsWith(BACKUP_SUFFIX))) {
    const original = name.slice(0, -BACKUP_SUFFIX.length);
    if (inWork.has(original)) continue;
    if (existsSync(join(folder, original))) {
      rmSync(join(folder, name), { recursive: true, force: true });
    } else renameSync(join(folder, name), join(folder, original));
  }
}
