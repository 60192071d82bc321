import { existsSync, mkdirSync, readFileSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import type { StepStore, StepView } from "../control/pantavisor-view.ts";
import { writeDurably } from "./durable-file.ts";
import { readProgress } from "./step-progress.ts";

/**
 * The revisions in storage/trails: numbered ones, and `locals/NAME` (docs/pantavisor.md §2.5,
 * §3.6).
 */
export function openSteps(storage: string, current: () => string): Omit<StepStore, "install"> {
  const trails = join(storage, "trails");
  const nameOf = (name: string): string => (name === "current" ? current() : name);
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
      writeDurably(join(folder, ".pv/commitmsg"), text);
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

/** Names that deploy() gives to folders that are not complete, or no longer wanted. */
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
