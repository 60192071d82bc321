import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import { parseUntrusted } from "../../shared/formats/json-depth.ts";
import { ifRoom } from "../../shared/no-room.ts";
import { writeDurably } from "./durable-file.ts";

/**
 * How far a revision has come: `.pv/progress` in its folder, served at /steps/{rev}/progress.
 * Words and order (docs/pantavisor.md §3.6, §5.4):
 *
 *   NEW → INPROGRESS → TESTING → DONE            by a reboot
 *                    → TESTING → UPDATED         without; DONE after the next boot
 *   WONTGO: it was never begun. ERROR: it was, and the device rolled back.
 */
export interface Progress {
  readonly status: "NEW" | "INPROGRESS" | "TESTING" | "UPDATED" | "DONE" | "WONTGO" | "ERROR";
  readonly "status-msg": string;
  /** Percent. */
  readonly progress: number;
  readonly retries: number;
  /** Last lines of pantavisor.log about what is wrong, for an update that failed. */
  readonly logs?: string;
}

const of = (status: Progress["status"], message: string, percent: number): Progress => ({
  status,
  "status-msg": message,
  progress: percent,
  retries: 0,
});

export const progressOf = {
  installed: of("NEW", "", 0),
  rebooting: of("INPROGRESS", "Rebooting", 50),
  transition: of("INPROGRESS", "Transitioning to new revision without rebooting", 50),
  starting: of("INPROGRESS", "Starting updated version", 75),
  testing: of("TESTING", "Awaiting to set rollback point if update is stable", 75),
  testingInPlace: of("TESTING", "Awaiting to see if update is stable", 75),
  unstable: of("TESTING", "Waiting for all containers to become stable", 75),
  updated: of("UPDATED", "Update finished, revision not set as rollback point", 100),
  done: of("DONE", "Update finished, revision set as rollback point", 100),
  factoryStarting: of("INPROGRESS", "Trying new revision", 50),
  factory: of("DONE", "Factory revision", 100),
  wontGo: (why: string) => of("WONTGO", why, 0),
  failed: (why: string) => of("ERROR", why, 0),
} as const;

/** Characters of a failed update's lines, as many as the real one keeps. */
const LOGS = 4096;

/** A failed update with its lines of pantavisor.log, the last ones that fit. */
export function withLogs(progress: Progress, logFolder: string): Progress {
  let text: string;
  try {
    text = readFileSync(join(logFolder, "pantavisor/pantavisor.log"), "utf8");
  } catch {
    return progress;
  }
  const wrong = text.split("\n").filter((line) => /^\[\S+\] \d+ (?:WARN|ERROR|FATAL)\t/.test(line));
  let logs = "";
  for (const line of wrong.toReversed()) {
    if (logs.length + line.length + 1 > LOGS) break;
    logs = `${line}\n${logs}`;
  }
  return { ...progress, logs };
}

/** Progress of a revision whose update was under way when everything stopped, cause unknown. */
export const unexpectedRollback = progressOf.failed("Unexpected rollback");

/** Does nothing for a revision that is not there, or when the disk is full. */
export function writeProgress(revisionFolder: string, progress: Progress): void {
  if (!existsSync(join(revisionFolder, ".pv"))) return;
  ifRoom(() => writeDurably(progressFile(revisionFolder), JSON.stringify(progress)));
}

const document = z.record(z.string(), z.unknown());

/** @returns an empty object when there is none */
export function readProgress(revisionFolder: string): Record<string, unknown> {
  try {
    return document.parse(parseUntrusted(readFileSync(progressFile(revisionFolder), "utf8")));
  } catch {
    return {};
  }
}

function progressFile(revisionFolder: string): string {
  return join(revisionFolder, ".pv/progress");
}
