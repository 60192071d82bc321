import { writeSync, openSync, closeSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { descendants } from "../processes.ts";
import type { Disturbance } from "./plan.ts";
import type { World } from "./world.ts";

/** The longest that an engine stays frozen: a run has to end by itself before. */
const FROZEN = 240_000;
const BEFORE_SIGNAL = 300;

/**
 * Do it.
 *
 * @param ended resolves when the runner has ended
 * @returns false when there was nothing to disturb; `since` is when the promise's time begins
 */
export async function disturb(
  disturbance: Disturbance,
  world: World,
  runner: number,
  ended: Promise<unknown>,
): Promise<{ readonly disturbed: boolean; readonly since: number }> {
  const since = performance.now();
  switch (disturbance) {
    case "SIGINT":
    case "SIGTERM":
    case "SIGHUP":
      return { disturbed: kill(runner, disturbance), since };
    case "kill-runner":
      return { disturbed: kill(runner, "SIGKILL"), since };
    case "kill-worker": {
      const worker = descendants(runner).findLast(({ command }) =>
        /scenario-worker\.ts/.test(command),
      );
      return { disturbed: worker !== undefined && kill(worker.pid, "SIGKILL"), since };
    }
    case "kill-engine": {
      const engine = world.enginePid();
      return { disturbed: engine !== undefined && kill(engine, "SIGKILL"), since };
    }
    case "freeze-engine":
    case "freeze-engine+SIGINT": {
      const engine = world.enginePid();
      if (engine === undefined || !kill(engine, "SIGSTOP")) return { disturbed: false, since };
      void thaw(engine, ended);
      if (disturbance === "freeze-engine") return { disturbed: true, since };
      await delay(BEFORE_SIGNAL);
      return { disturbed: kill(runner, "SIGINT"), since: performance.now() };
    }
    case "full-disk":
      return { disturbed: fill(`/proc/${runner}/cwd/fill`), since };
  }
}

async function thaw(engine: number, ended: Promise<unknown>): Promise<void> {
  const enough = new AbortController();
  await Promise.race([
    ended,
    delay(FROZEN, undefined, { signal: enough.signal }).catch(() => undefined),
  ]);
  enough.abort();
  kill(engine, "SIGCONT");
}

function kill(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}

/** Take all the room that is left in a small file system. */
function fill(path: string): boolean {
  let file: number | undefined;
  try {
    file = openSync(path, "w");
    for (;;) writeSync(file, Buffer.alloc(4_096));
  } catch {
    return file !== undefined;
  } finally {
    if (file !== undefined) closeSync(file);
  }
}
