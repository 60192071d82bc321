import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, readlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { text } from "node:stream/consumers";
import { describe, expect, test } from "vitest";
import { foldRun } from "../../reports/run-state.ts";
import type { AttemptState, RunState } from "../../reports/run-state.ts";
import { lastAttempt } from "../../reports/run-state.ts";
import { parseLine } from "./event-log.ts";

const RUN_ONCE = join(import.meta.dirname, "testdata/run-once.ts");

interface Ran {
  readonly exitCode: number;
  readonly folder: string;
  readonly state: RunState;
  readonly ms: number;
}

/** A run of ./testdata/bridge in a process and directory of its own. */
async function run(
  filter: string,
  options: Readonly<Record<string, unknown>> = {},
  interruptAt?: string,
): Promise<Ran> {
  const cwd = mkdtempSync(join(tmpdir(), "pvh-run-"));
  const child = spawn(process.execPath, [RUN_ONCE, JSON.stringify(options), filter], { cwd });
  let begun = performance.now();
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
    if (interruptAt === undefined || !chunk.includes(interruptAt) || child.killed) return;
    begun = performance.now();
    child.kill("SIGINT");
  });
  const printed = JSON.parse(await text(child.stdout)) as { exitCode: number; folder: string };
  const lines = readFileSync(join(printed.folder, "events.jsonl"), "utf8").split("\n");
  const events = lines.map(parseLine).filter((event) => event !== undefined);
  return { ...printed, state: foldRun(events), ms: performance.now() - begun };
}

function attempt({ state }: Ran, scenario: string): AttemptState {
  const found = state.scenarios.get(scenario);
  if (found === undefined) throw new Error(`${scenario} is not in the record`);
  return lastAttempt(found);
}

describe.concurrent("a run", { timeout: 60_000 }, () => {
  test("gives every check one verdict, and says whose fault a failure is", async () => {
    const ran = await run("verdicts");
    const { checks } = attempt(ran, "verdicts");
    const seen = [...checks.values()].map(({ id, verdict, failure, reason }) => [
      id,
      verdict,
      failure?.code ?? reason,
    ]);
    expect(seen).toEqual([
      ["report.exit", "passed", undefined],
      ["report.junit", "failed", "PVH_ASSERT"],
      ["report.hostile-output", "failed", "PVH_CONTROL"],
      ["diag.host", "skipped", "not today"],
      ["diag.pid-zero", "failed", "PVH_TIMEOUT"],
      ["diag.buffering", "failed", "PVH_INTERNAL"],
    ]);
    expect(attempt(ran, "verdicts").notes).toEqual(["seed 7"]);
    expect(ran.exitCode).toBe(70);
  });

  test("runs only the checks that the filter holds for, and leaves every report", async () => {
    const ran = await run("verdicts and (check:report.exit or check:diag.host)");
    expect([...attempt(ran, "verdicts").checks.keys()]).toEqual(["report.exit", "diag.host"]);
    expect(ran.exitCode).toBe(0);
    for (const file of ["README", "events.jsonl", "junit.xml", "summary.json"]) {
      expect(existsSync(join(ran.folder, file))).toBe(true);
    }
    expect(readlinkSync(join(ran.folder, "../latest"))).toBe(basename(ran.folder));
  });

  test("reports a file that a worker cannot load as a bug of the harness", async () => {
    const ran = await run("broken");
    expect(attempt(ran, "broken").failure?.message).toContain("this file is broken");
    expect([...attempt(ran, "broken").checks.values()][0]?.verdict).toBe("failed");
    expect(ran.exitCode).toBe(70);
  });

  test("runs a scenario that measures time when no other runs", async () => {
    const ran = await run("alone flaky verdicts");
    const { t, verdict } = attempt(ran, "alone");
    expect(verdict).toBe("passed");
    for (const other of ["flaky", "verdicts"].map((name) => attempt(ran, name))) {
      expect(t).toBeGreaterThanOrEqual(other.t + Math.floor(other.ms));
    }
  });

  test("calls a pass after a retry flaky", async () => {
    const ran = await run("flaky", { retries: 1 });
    expect(ran.state.scenarios.get("flaky")?.attempts.map(({ verdict }) => verdict)).toEqual([
      "failed",
      "passed",
    ]);
    expect(ran.exitCode).toBe(5);
  });

  test("judges each repetition on its own", async () => {
    const ran = await run("flaky", { repeat: 2 });
    expect(attempt(ran, "flaky").verdict).toBe("failed");
    expect(attempt(ran, "flaky~2").verdict).toBe("passed");
    expect(ran.exitCode).toBe(1);
  });

  test("stops when enough scenarios have failed, and says so", async () => {
    const ran = await run("flaky waits", { maxFailures: 1, jobs: 1 });
    const { checks } = attempt(ran, "waits");
    expect([...checks.values()].map(({ verdict }) => verdict)).toEqual(["skipped", "skipped"]);
    expect(ran.exitCode).toBe(1);
  });

  test("does not stop for a scenario that will be tried again", async () => {
    const ran = await run("flaky verdicts", { maxFailures: 1, retries: 1, jobs: 1 });
    expect(attempt(ran, "flaky").verdict).toBe("passed");
    expect(attempt(ran, "verdicts").verdict).toBe("failed");
  });

  test("ends soon after SIGINT with a verdict for everything", async () => {
    const ran = await run("waits flaky", { jobs: 1 }, '"type":"check.started","scenario":"waits"');
    expect(ran.ms).toBeLessThan(5_000);
    expect(ran.exitCode).toBe(130);
    expect(ran.state.finished?.interrupted).toBe("SIGINT");
    for (const scenario of ["waits", "flaky"]) {
      expect(attempt(ran, scenario).verdict).toBeDefined();
      for (const { verdict } of attempt(ran, scenario).checks.values()) {
        expect(["passed", "failed", "skipped"]).toContain(verdict);
      }
    }
    expect(attempt(ran, "waits").checks.get("report.exit")?.verdict).toBe("skipped");
  });
});
