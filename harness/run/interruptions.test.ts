import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { lastAttempt } from "../../reports/run-state.ts";
import { processes } from "../processes.ts";
import { junitFailures, runApart } from "./testdata/run-apart.ts";
import { scenarioFolder, scenarioText } from "./testdata/scenario-folder.ts";

/** Number of moments that are tried; PVH_KILLS=100 for a night. */
const KILLS = Number(process.env["PVH_KILLS"] ?? 2);

const PASSES = "expect(1).toBe(1);";
const TIMEOUT = 240_000;

/** Children of a process, by what they run. */
function childrenOf(pid: number, running: string): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((one) => {
      try {
        const [, parent] = /\) \S (\d+)/.exec(readFileSync(`/proc/${one}/stat`, "utf8")) ?? [];
        const words = readFileSync(`/proc/${one}/cmdline`, "utf8");
        return Number(parent) === pid && words.includes(running);
      } catch {
        return false;
      }
    });
}

function isGone(pid: number): boolean {
  try {
    return /\) Z /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return true;
  }
}

test.each(Array.from({ length: KILLS }, (_, index) => index))(
  "a worker that is killed at a random moment takes its scenario only (%d)",
  async () => {
    const slow = `await new Promise((resolve) => setTimeout(resolve, 300)); ${PASSES}`;
    const folder = scenarioFolder({
      // The last check waits for the kill: one that comes behind the end would find nothing to end.
      one: scenarioText("one", [
        slow,
        slow,
        slow,
        "await new Promise(() => setTimeout(() => {}, 60_000));",
      ]),
      two: scenarioText("two", [slow, slow]),
    });
    const delay = Math.floor(Math.random() * 1_400);
    let killed: number | undefined;
    const ran = await runApart(folder, "", { jobs: 1 }, (chunk, pid) => {
      if (killed !== undefined || !chunk.includes('"scenario.started","scenario":"one"')) return;
      [killed] = childrenOf(pid, "scenario-worker.ts");
      setTimeout(() => {
        if (killed !== undefined && !isGone(killed)) process.kill(killed, "SIGKILL");
      }, delay);
    });
    expect(killed).toBeDefined();
    const [one, two] = ["one", "two"].map((name) => {
      const scenario = ran.state.scenarios.get(name);
      return scenario === undefined ? undefined : lastAttempt(scenario);
    });
    expect(two?.verdict).toBe("passed");
    expect(one?.verdict, `killed after ${delay} ms`).toBe("failed");
    expect(ran.exitCode).toBe(3);
    expect(junitFailures(ran.junit)).toBeGreaterThan(0);
  },
  TIMEOUT,
);

/** A check that leaves processes behind: one in its group, one in a session of its own, an orphan. */
function leavesSleeping(seconds: string): string {
  return `const { spawn, execFileSync } = await import("node:child_process");
    spawn("sleep", ["${seconds}"], { stdio: "inherit" });
    spawn("sleep", ["${seconds}"], { stdio: "ignore", detached: true }).unref();
    execFileSync("sh", ["-c", "setsid sleep ${seconds} >/dev/null 2>&1 &"]);`;
}

function sleeping(seconds: string): string[] {
  return processes().flatMap(({ command }) => (command === `sleep ${seconds}` ? [command] : []));
}

test.each([
  ["ends by itself", PASSES, "passed"],
  ["has to be ended", "for (;;);", "failed"],
])(
  "what a scenario starts is gone with it: one that %s",
  async (how, then, verdict) => {
    const seconds = `1000.${process.pid}${how.length}`;
    const folder = scenarioFolder({
      leaves: scenarioText("leaves", [`${leavesSleeping(seconds)} ${then}`], {
        options: ", { timeout: 300 }",
      }),
    });
    const ran = await runApart(folder, "", { patience: { grace: 1_000 } });
    expect(ran.state.scenarios.get("leaves")?.attempts[0]?.verdict).toBe(verdict);
    expect(sleeping(seconds)).toEqual([]);
  },
  TIMEOUT,
);

test(
  "what a scenario starts is gone soon after a pvh that is killed",
  async () => {
    const seconds = `1000.${process.pid}0`;
    const folder = scenarioFolder({
      leaves: scenarioText("leaves", [`${leavesSleeping(seconds)} for (;;);`]),
    });
    const ended = runApart(folder, "", {}, (chunk, pid) => {
      if (!chunk.includes('"check.started"')) return;
      void expect
        .poll(() => sleeping(seconds).length, { timeout: 30_000 })
        .toBe(3)
        .finally(() => process.kill(pid, "SIGKILL"));
    });
    await expect(ended).rejects.toThrow("the run did not end");
    await expect.poll(() => sleeping(seconds), { timeout: 30_000 }).toEqual([]);
  },
  TIMEOUT,
);

test(
  "a worker that spins does not outlive a pvh that is killed",
  async () => {
    const folder = scenarioFolder({ spins: scenarioText("spins", ["for (;;);"]) });
    let workers: number[] = [];
    const ended = runApart(folder, "", {}, (chunk, pid) => {
      if (workers.length > 0 || !chunk.includes('"check.started"')) return;
      workers = childrenOf(pid, "scenario-worker.ts");
      process.kill(pid, "SIGKILL");
    });
    await expect(ended).rejects.toThrow("the run did not end");
    expect(workers.length).toBe(1);
    await expect.poll(() => workers.every(isGone), { timeout: 30_000 }).toBe(true);
  },
  TIMEOUT,
);

test(
  "a worker that runs out of memory takes its scenario only",
  async () => {
    const folder = scenarioFolder({
      eats: scenarioText("eats", [
        "const kept = []; for (;;) kept.push(new Array(100_000).fill(kept.length + 0.5));",
      ]),
      well: scenarioText("well", [PASSES]),
    });
    const heap = "--max-old-space-size=256";
    const before = process.env["NODE_OPTIONS"];
    process.env["NODE_OPTIONS"] = heap;
    const running = runApart(folder);
    if (before === undefined) delete process.env["NODE_OPTIONS"];
    else process.env["NODE_OPTIONS"] = before;
    const ran = await running;
    const failures = [...ran.state.scenarios.values()].flatMap((scenario) =>
      [...lastAttempt(scenario).checks.values()].flatMap(({ failure }) => failure?.message ?? []),
    );
    expect(failures).toEqual(["the worker ended (SIGABRT) during report.exit"]);
    expect(ran.exitCode).toBe(1);
  },
  TIMEOUT,
);

test(
  "a report that cannot be written takes neither the verdict nor the other report with it",
  async () => {
    const inTheWay =
      "const { mkdirSync } = await import('node:fs'); mkdirSync(`${vitest.inject('pvh').folder}/junit.xml`);";
    const folder = scenarioFolder({
      fails: scenarioText("fails", [`${inTheWay} expect(1).toBe(2);`]),
      well: scenarioText("well", [`${inTheWay} ${PASSES}`]),
    });
    const red = await runApart(folder, "fails");
    expect(red.exitCode).toBe(1);
    expect(red.unwritten).toEqual([expect.stringContaining("junit.xml cannot be written: EISDIR")]);
    expect(red.summary.exitCode).toBe(1);
    const green = await runApart(folder, "well");
    expect(green.exitCode).toBe(3);
    expect(green.summary.exitCode).toBe(0);
  },
  TIMEOUT,
);
