import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdirSync, openSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { disturb } from "./disturb.ts";
import type { Outcome } from "./judge.ts";
import type { Round } from "./plan.ts";
import { readReports } from "./reports.ts";
import type { World } from "./world.ts";

/** The run that is disturbed: cheap, and it uses everything that a run uses. */
export const SCENARIO = ["scenario", "unix-half-close", "--progress", "plain"] as const;
/** Enough for a record, so that its disk can be filled in no time. */
const SMALL_DISK = "2m";
/** Milliseconds after which a runner hangs: longer than every deadline that it may wait for. */
const HANGS = 300_000;

/** @param folder for the round's run and for what it says */
export async function runRound(
  round: Round,
  world: World,
  folder: string,
): Promise<Outcome & { readonly log: string }> {
  const cwd = join(folder, "cwd");
  const log = join(folder, "log");
  mkdirSync(cwd, { recursive: true });
  const loops = Array.from({ length: round.load }, () =>
    spawn("sh", ["-c", "while :; do :; done"]),
  );
  let base = cwd;
  let disk: number | undefined;
  try {
    const small = round.disturbance === "full-disk" ? { disk: SMALL_DISK } : {};
    const runner = world.start(SCENARIO, cwd, log, small);
    const pid = runner.pid ?? 0;
    const exit = once(runner, "exit") as Promise<[number | null, NodeJS.Signals | null]>;
    await Promise.race([delay(round.moment), exit]);
    const over = runner.exitCode !== null || runner.signalCode !== null;
    if (round.disturbance === "full-disk" && !over) {
      // The mount namespace ends with the process; an open folder keeps its file system.
      disk = openSync(`/proc/${pid}/cwd`, "r");
      base = `/proc/self/fd/${disk}`;
    }
    const { disturbed, since } = over
      ? { disturbed: false, since: performance.now() }
      : await disturb(round.disturbance, world, pid, exit);
    const hung = new AbortController();
    const late = delay(HANGS, undefined, { signal: hung.signal }).then(
      () => process.kill(pid, "SIGKILL"),
      () => undefined,
    );
    const [code, signal] = await exit;
    const ms = performance.now() - since;
    hung.abort();
    await late;
    const { recorded, problems, exitCode } = await readReports(base);
    for (const loop of loops) loop.kill("SIGKILL");
    const next = await world.pvh(["ps"], folder, log);
    return {
      disturbance: round.disturbance,
      disturbed,
      ended: code ?? signal ?? "SIGKILL",
      ms,
      recorded,
      reports: problems,
      reported: exitCode,
      next,
      left: await world.left(),
      log,
    };
  } finally {
    for (const loop of loops) loop.kill("SIGKILL");
    if (disk !== undefined) closeSync(disk);
  }
}
