import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { withVariable, WORKER_VARIABLE } from "../processes.ts";

/** Rounds of looking for processes, so that one that forks for ever holds up no run for ever. */
const MOST_ROUNDS = 100;
/** First part of the names of this process's workers. */
const OURS = randomUUID();

let workers = 0;

/** A value of WORKER_VARIABLE that no other worker has or had. */
export function nameWorker(): string {
  workers += 1;
  return `${OURS}/${workers}`;
}

/**
 * End everything that a worker has started and that still runs, and the worker. A process that
 * clears its environment is lost.
 */
export function endProcessesOf(worker: string): void {
  const ended = new Set<number>();
  for (let round = 0; round < MOST_ROUNDS; round += 1) {
    const left = withVariable(WORKER_VARIABLE, worker).filter(({ pid }) => !ended.has(pid));
    if (left.length === 0) return;
    for (const { pid } of left) {
      ended.add(pid);
      kill(pid);
    }
  }
}

let isKept = false;

/**
 * See to it that nothing that a worker has started outlives this process, however it ends: a
 * program beside it waits for its end, and then ends what is left.
 */
export function endWorkersWithUs(): void {
  if (isKept) return;
  isKept = true;
  const script = join(import.meta.dirname, "end-workers.sh");
  const keeper = spawn("sh", [script, `${WORKER_VARIABLE}=${OURS}/`], {
    stdio: ["pipe", "ignore", "ignore"],
    // A Ctrl+C on the terminal is for pvh alone.
    detached: true,
    env: { PATH: process.env["PATH"] },
  });
  // Without it, only what a killed pvh leaves is not ended.
  keeper.on("error", () => undefined);
  keeper.unref();
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended by itself.
  }
}
