import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { $ } from "zx";
import { table } from "../../reports/table.ts";
import { complaints } from "./judge.ts";
import { DISTURBANCES, planRounds } from "./plan.ts";
import type { Disturbance } from "./plan.ts";
import { runRound, SCENARIO } from "./run-round.ts";
import { World } from "./world.ts";

/**
 * Disturb a run at random moments and hold it to what is promised: the right exit code, valid
 * reports, nothing left after the next command, a signal within 10 s on a busy machine too.
 *
 * `node harness/chaos/chaos.main.ts [--rounds 36] [--seed 1] [--load 30] [--only SIGINT,…]
 * [--round N | --from N] [--state DIR]`, as root, with dockerd on the machine. --round carries out
 * only that round of the plan, --from that one and those after it; --state keeps the engine's folder, whose path is to be short, for the next
 * time. Exit 1 when a promise was broken.
 */
const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "36" },
    seed: { type: "string", default: "1" },
    load: { type: "string", default: "30" },
    only: { type: "string", default: DISTURBANCES.join(",") },
    round: { type: "string" },
    from: { type: "string", default: "1" },
    state: { type: "string" },
  },
});
const only = values.only.split(",").filter((word): word is Disturbance => {
  if (DISTURBANCES.some((one) => one === word)) return true;
  throw new Error(`--only knows ${DISTURBANCES.join(", ")}; not '${word}'`);
});

const home = mkdtempSync(join(tmpdir(), "pvh-chaos-"));
const world = new World(values.state ?? join(home, "s"), home);
const stopped = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stopped.abort());
const folder = (name: string): string => {
  const path = join(home, name);
  mkdirSync(path, { recursive: true });
  return path;
};

let broken = 0;
try {
  const warm = folder("warm");
  const log = join(warm, "log");
  for (let time = 1; time <= 2; time += 1) {
    if ((await world.pvh(SCENARIO, warm, log)) !== 0) {
      throw new Error(`the undisturbed run fails:\n${readFileSync(log, "utf8")}`);
    }
  }
  const begun = performance.now();
  await world.pvh(SCENARIO, warm, log);
  const duration = performance.now() - begun;
  print(`an undisturbed run takes ${(duration / 1000).toFixed(1)} s; seed ${values.seed}`);
  const rounds = planRounds({
    seed: Number(values.seed),
    rounds: Number(values.rounds),
    load: Number(values.load),
    duration,
    only,
  });
  const figures = new Map<
    Disturbance,
    { rounds: number; hit: number; worst: number; bad: number }
  >();
  for (const round of rounds) {
    if (round.number < Number(values.from)) continue;
    if (values.round !== undefined && round.number !== Number(values.round)) continue;
    if (stopped.signal.aborted) break;
    const outcome = await runRound(round, world, folder(`round-${round.number}`));
    const wrong = complaints(outcome);
    const how = outcome.disturbed ? `${(outcome.ms / 1000).toFixed(1)} s later` : "undisturbed:";
    print(
      `${wrong.length === 0 ? "ok  " : "BAD "} ${String(round.number).padStart(3)} ${round.disturbance} at ${round.moment} ms, load ${round.load}: ${how} exit ${outcome.ended}`,
    );
    if (wrong.length > 0) {
      broken += 1;
      for (const line of wrong) print(`       ${line}`);
      const words = readFileSync(outcome.log, "utf8").trimEnd().split("\n").slice(-25);
      for (const line of words) print(`       | ${line}`);
    }
    const sum = figures.get(round.disturbance) ?? { rounds: 0, hit: 0, worst: 0, bad: 0 };
    figures.set(round.disturbance, {
      rounds: sum.rounds + 1,
      hit: sum.hit + (outcome.disturbed ? 1 : 0),
      worst: outcome.disturbed ? Math.max(sum.worst, outcome.ms) : sum.worst,
      bad: sum.bad + (wrong.length > 0 ? 1 : 0),
    });
  }
  const rows = [...figures].map(([name, { rounds: all, hit, worst, bad }]) => [
    name,
    `${all}`,
    `${hit}`,
    `${(worst / 1000).toFixed(1)} s`,
    `${bad}`,
  ]);
  print(table(["DISTURBANCE", "ROUNDS", "HIT", "WORST END", "BROKEN"], rows));
} finally {
  // An engine that is still frozen could not be stopped.
  const engine = world.enginePid();
  if (engine !== undefined) process.kill(engine, "SIGCONT");
  await world.pvh(["engine", "stop"], folder("end"), join(home, "end", "log"));
  // Mounts that a killed engine has left would keep its folder from being removed.
  const inHome = ` ${home}/`;
  await $`grep -F ${inHome} /proc/self/mounts | cut -d " " -f 2 | sort -r | xargs -r umount -l`.nothrow();
  rmSync(home, { recursive: true, force: true });
}
process.exitCode = broken > 0 ? 1 : 0;

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
