import { mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { StepView } from "../control/pantavisor-view.ts";

/** The revisions in storage/trails, with their progress (facts §2.5, §3.6). */
export function listSteps(storage: string): StepView[] {
  const trails = join(storage, "trails");
  return readdirSync(trails)
    .filter((name) => !/\.(bak|incoming)$/.test(name))
    .sort()
    .map((name) => {
      const file = join(trails, name, ".pvr/json");
      return {
        name,
        date: statSync(file)
          .mtime.toISOString()
          .replace(/\.\d+Z$/, "Z"),
        state: JSON.parse(readFileSync(file, "utf8")) as unknown,
        progress: readProgress(join(trails, name)),
      };
    });
}

export type StepStatus = "INPROGRESS" | "DONE";

/** The first boot of the factory revision is its only step so far. */
export function writeProgress(revisionFolder: string, status: StepStatus): void {
  const done = status === "DONE";
  const progress = {
    status,
    "status-msg": done ? "Factory revision" : "Trying new revision",
    progress: done ? 100 : 50,
    retries: 0,
  };
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
