import { expect, test } from "vitest";
import type { Failure, RunEvent } from "./events.ts";
import { exitCodeOf } from "./exit-code.ts";
import { junitReport } from "./junit.ts";
import { noPaint } from "./paint.ts";
import { foldRun } from "./run-state.ts";
import { summarise } from "./summary.ts";
import { closingLine, TerminalReport } from "./terminal.ts";
import { end, record, start } from "./testdata/sample-run.ts";

const broken: Failure = { class: "product", code: "PVH_ASSERT", message: "it is broken" };

/** A run of one scenario `s`, whose checks `a` and `b` fail with these failures, or pass. */
function run(
  known: readonly string[],
  failures: { readonly a?: Failure; readonly b?: Failure },
  options: { readonly strict?: boolean; readonly name?: string; readonly outside?: Failure } = {},
): readonly RunEvent[] {
  const { strict = false, name = "s", outside } = options;
  const checks = (["a", "b"] as const).map((id) => {
    const failure = failures[id];
    return failure === undefined
      ? end(name, id, "passed", {})
      : end(name, id, "failed", { failure });
  });
  const failed = failures.a ?? failures.b ?? outside;
  return [
    {
      type: "run.started",
      run: "now",
      command: ["run"],
      image: "pvh:1",
      profile: "strict",
      quirks: [],
      selected: [name],
      seed: 1,
      baseline: { run: "then", known, strict },
      host: { name: "", kernel: "", node: "" },
    },
    start(name, "unix", [
      ["a", "t"],
      ["b", "t"],
    ]),
    ...checks,
    ...(outside === undefined
      ? []
      : [{ type: "failure", scenario: name, where: "tear-down", failure: outside } as const]),
    {
      type: "scenario.finished",
      scenario: name,
      verdict: failed === undefined ? "passed" : "failed",
      ms: 1,
    },
  ];
}

function told(events: readonly RunEvent[]) {
  const state = foldRun(record(events));
  const terminal = { print: () => undefined, status: () => undefined, columns: 80 };
  const report = new TerminalReport(terminal, noPaint);
  for (const event of record(events)) report.event(event);
  return {
    exitCode: exitCodeOf(state),
    line: closingLine(state),
    junit: junitReport(state, "x"),
    summary: summarise(state),
    closing: report.closing("x").join("\n"),
  };
}

test("what is known to fail, and fails, counts as skipped, with the reason", () => {
  const { exitCode, line, junit, summary, closing } = told(run(["s a"], { a: broken }));
  expect(exitCode).toBe(0);
  expect(line).toBe("1 passed, 0 failed, 1 skipped");
  expect(junit).toContain('<skipped message="known to fail: it is broken"/>');
  expect(junit).toContain('failures="0"');
  expect(summary.scenarios[0]).toMatchObject({
    verdict: "passed",
    checks: [
      { id: "a", verdict: "known", message: "known to fail: it is broken" },
      { id: "b", verdict: "passed" },
    ],
  });
  expect(closing).toContain("baseline   1 check failed as in then");
});

test("a run in which everything fails as it did is green", () => {
  expect(told(run(["s a", "s b"], { a: broken, b: broken })).exitCode).toBe(0);
});

test("what fails and is not known is news", () => {
  const { exitCode, line, summary } = told(run(["s a"], { a: broken, b: broken }));
  expect(exitCode).toBe(1);
  expect(line).toBe("0 passed, 1 failed, 1 skipped");
  expect(summary.scenarios[0]?.verdict).toBe("failed");
});

test("a known check that fails by the machine or by pvh is no known failure", () => {
  const infra: Failure = { class: "infra", code: "PVH_ENGINE", message: "gone" };
  expect(told(run(["s a"], { a: infra })).exitCode).toBe(3);
  const bug: Failure = { class: "harness", code: "PVH_INTERNAL", message: "bug" };
  expect(told(run(["s a"], { a: bug })).exitCode).toBe(70);
});

test("a failure outside of the checks is none that the baseline knows", () => {
  const { exitCode, line } = told(run(["s a"], { a: broken }, { outside: broken }));
  expect(exitCode).toBe(1);
  expect(line).toBe("1 passed, 1 failed, 1 skipped");
});

test("a known check that passes is told, and fails the run when that is asked for", () => {
  const { exitCode, closing } = told(run(["s a"], {}));
  expect(exitCode).toBe(0);
  expect(closing).toContain("0 checks failed as in then; passed, and did not there: s a");
  expect(told(run(["s a"], {}, { strict: true })).exitCode).toBe(1);
  expect(told(run(["s a"], { a: broken }, { strict: true })).exitCode).toBe(0);
});

test("repetitions are known by the scenario's name", () => {
  expect(told(run(["s a"], { a: broken }, { name: "s~3" })).exitCode).toBe(0);
});
