import { existsSync, readlinkSync } from "node:fs";
import { basename, join } from "node:path";
import { describe, expect, test } from "vitest";
import { lastAttempt } from "../../reports/run-state.ts";
import type { AttemptState } from "../../reports/run-state.ts";
import { junitFailures, runApart } from "./testdata/run-apart.ts";
import type { Ran } from "./testdata/run-apart.ts";

const BRIDGE = join(import.meta.dirname, "testdata/bridge");

/** A run of ./testdata/bridge, which SIGINT cuts short when an event has come. */
async function run(
  filter: string,
  options: Readonly<Record<string, unknown>> = {},
  interruptAt?: string,
): Promise<Ran & { readonly ms: number }> {
  let begun: number | undefined;
  const ran = await runApart(BRIDGE, filter, options, (chunk, pid) => {
    if (interruptAt === undefined || !chunk.includes(interruptAt) || begun !== undefined) return;
    begun = performance.now();
    process.kill(pid, "SIGINT");
  });
  return { ...ran, ms: performance.now() - (begun ?? 0) };
}

function attempt({ state }: Ran, scenario: string): AttemptState {
  const found = state.scenarios.get(scenario);
  if (found === undefined) throw new Error(`${scenario} is not in the record`);
  return lastAttempt(found);
}

describe.concurrent("a run", { timeout: 240_000 }, () => {
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
      ["diag.buffering", "failed", "PVH_SCENARIO"],
    ]);
    expect(attempt(ran, "verdicts").notes).toEqual(["seed 7"]);
    expect(ran.exitCode).toBe(1);
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

  test("reports a file that a worker cannot load as a mistake of the scenario", async () => {
    const ran = await run("broken");
    expect(attempt(ran, "broken").failure?.message).toContain("this file is broken");
    expect([...attempt(ran, "broken").checks.values()][0]?.verdict).toBe("failed");
    expect(ran.exitCode).toBe(1);
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
    expect(ran.junit).toContain('name="pvh.exit.reason" value="flaky: flaky passed only');
    expect(ran.summary.exitReason).toContain("flaky passed only after a retry");
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
    expect(ran.junit).toMatch(/<error [^>]*message="the run was cancelled: SIGINT/);
    expect(ran.summary).toMatchObject({ exitCode: 130, interrupted: "SIGINT" });
  });

  test("ends by its deadline as if it were cancelled, with every report", async () => {
    const ran = await run("waits", { deadline: 20_000 });
    expect(ran.exitCode).toBe(124);
    expect(ran.state.finished?.interrupted).toBe("deadline");
    expect(ran.junit).toMatch(/<testsuites [^>]* failures="0" errors="1"/);
    expect(ran.closing).toContain("exit       124: a deadline passed");
  });

  test.each(["run.started", "check.started"])(
    "leaves every report when an error of pvh itself comes at %s",
    async (throwAt) => {
      const ran = await run("waits", { throwAt });
      expect(ran.exitCode).toBe(70);
      expect(ran.state.finished?.exitCode).toBe(70);
      expect(ran.state.failures).toMatchObject([
        { where: "pvh", failure: { class: "harness", code: "PVH_INTERNAL" } },
      ]);
      expect(ran.junit).toContain("TypeError: a bug that nothing catches");
      expect(ran.summary).toMatchObject({ exitCode: 70, exitReason: "pvh itself failed" });
      expect(ran.closing).toContain("a bug that nothing catches");
      for (const { verdict } of attempt(ran, "waits").checks.values()) {
        expect(verdict).toBe("skipped");
      }
    },
  );

  test("skips a scenario for what the machine lacks, by name, and runs the others", async () => {
    const why = "the packages of the root wayland cannot be had";
    const ran = await run("verdicts flaky", { missing: { verdicts: why } });
    const checks = [...attempt(ran, "verdicts").checks.values()];
    expect(new Set(checks.map(({ verdict, reason }) => `${verdict}: ${reason ?? ""}`))).toEqual(
      new Set([`skipped: ${why}`]),
    );
    expect(attempt(ran, "flaky").verdict).not.toBe("skipped");
  });

  test("tells of a preparation that failed as the machine's fault, and leaves every report", async () => {
    const ran = await run("verdicts flaky", { unprepared: "PVH_TIMEOUT" });
    expect(ran.exitCode).toBe(3);
    expect(ran.state.failures).toMatchObject([
      { where: "preparation", failure: { class: "infra", code: "PVH_PREPARE" } },
    ]);
    for (const name of ["verdicts", "flaky"]) expect(attempt(ran, name).verdict).toBe("failed");
    expect(junitFailures(ran.junit)).toBe(8);
    expect(ran.summary.failures[0]?.message).toContain("waited 10000 ms");
    expect(ran.closing).toContain("the run failed outside its checks: preparation");
    const usage = await run("flaky", { unprepared: "PVH_BAD_IMAGE" });
    expect(usage.exitCode).toBe(2);
  });

  test("lets a flaky pass be one, and still says that it is flaky", async () => {
    const ran = await run("flaky", { retries: 1, flaky: "pass" });
    expect(ran.exitCode).toBe(0);
    expect(ran.closing).toContain("FLAKY   flaky");
    expect(ran.junit).toContain("<flakyFailure");
  });
});
