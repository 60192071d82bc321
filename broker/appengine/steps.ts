import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { StepStore, StepView } from "../control/pantavisor-view.ts";

/** The revisions in storage/trails: numbered ones, and `locals/NAME` (facts §2.5, §3.6). */
export function openSteps(storage: string, current: string): Omit<StepStore, "install"> {
  const trails = join(storage, "trails");
  const nameOf = (name: string): string => (name === "current" ? current : name);
  const folderOf = (name: string): string | undefined => {
    const wanted = nameOf(name);
    return namesIn(trails).includes(wanted) ? join(trails, wanted) : undefined;
  };
  return {
    list: () => namesIn(trails).map((name) => describe(name, join(trails, name))),
    state(name) {
      const folder = folderOf(name);
      return folder === undefined ? undefined : readState(folder);
    },
    progress(name) {
      const folder = folderOf(name);
      return folder === undefined ? undefined : readProgress(folder);
    },
    setCommitMessage(name, text) {
      const folder = folderOf(name);
      if (folder === undefined) return false;
      mkdirSync(join(folder, ".pv"), { recursive: true });
      writeFileSync(join(folder, ".pv/commitmsg"), text);
      return true;
    },
  };
}

/** Folders with a state; half-written ones and backups are no revisions. */
function namesIn(trails: string): string[] {
  const below = (folder: string): string[] =>
    existsSync(folder)
      ? readdirSync(folder)
          .filter((name) => !BOOKKEEPING.test(name) && existsSync(stateFile(join(folder, name))))
          .sort()
      : [];
  return [...below(trails), ...below(join(trails, "locals")).map((name) => `locals/${name}`)];
}

/** What deploy() calls a folder that is not complete, or no longer wanted. */
export const BOOKKEEPING = /\.(bak|incoming)$/;

function describe(name: string, folder: string): StepView {
  const date = statSync(stateFile(folder)).mtime.toISOString();
  const message = join(folder, ".pv/commitmsg");
  return {
    name,
    date: date.replace(/\.\d+Z$/, "Z"),
    commitmsg: existsSync(message) ? readFileSync(message, "utf8") : "",
    progress: readProgress(folder),
  };
}

function readState(folder: string): unknown {
  return JSON.parse(readFileSync(stateFile(folder), "utf8")) as unknown;
}

function stateFile(folder: string): string {
  return join(folder, ".pvr/json");
}

const PROGRESS = {
  NEW: { "status-msg": "", progress: 0 },
  INPROGRESS: { "status-msg": "Trying new revision", progress: 50 },
  DONE: { "status-msg": "Factory revision", progress: 100 },
} as const;

/** The first boot of the factory revision is its only step so far. */
export function writeProgress(revisionFolder: string, status: keyof typeof PROGRESS): void {
  const progress = { status, ...PROGRESS[status], retries: 0 };
  mkdirSync(join(revisionFolder, ".pv"), { recursive: true });
  writeFileSync(progressFile(revisionFolder), JSON.stringify(progress));
}

export function readProgress(revisionFolder: string): Record<string, unknown> {
  try {
    return JSON.parse(readFileSync(progressFile(revisionFolder), "utf8")) as Record<
      string,
      unknown
    >;
  } catch {
    return {};
  }
}

function progressFile(revisionFolder: string): string {
  return join(revisionFolder, ".pv/progress");
}
