import { expect, test } from "vitest";
import { WHOLE } from "./block-lines.ts";
import type { Failure, RunEvent } from "./events.ts";
import { failureReport } from "./failure-report.ts";
import { githubAnnotations } from "./github.ts";
import { failuresOfRun } from "./html/failures.ts";
import { junitReport } from "./junit.ts";
import { markdownSummary } from "./markdown.ts";
import { foldRun } from "./run-state.ts";
import { end, record, stage, start } from "./testdata/sample-run.ts";

test("what kept scenarios from their appengine is told once, with what did not run, and holds nothing", () => {
  const broken: Failure = { class: "usage", code: "PVH_BAD_EXPORT", message: "x.tgz is broken" };
  const scenarioOf = (name: string): RunEvent[] => [
    start(name, "unix", [
      [`${name}.1`, "it works"],
      [`${name}.2`, "it works too"],
    ]),
    end(name, `${name}.1`, "failed", { failure: broken }),
    end(name, `${name}.2`, "failed", { failure: broken }),
    { type: "scenario.finished", scenario: name, verdict: "failed", ms: 1, failure: broken },
  ];
  const state = foldRun(record([...scenarioOf("a"), ...scenarioOf("b")]));
  const tellings = (text: string): number => text.split("x.tgz is broken").length - 1;
  const lines = failureReport(state, "x", WHOLE).join("\n");
  expect(tellings(lines)).toBe(1);
  expect(lines).toContain("not run   4 checks of a, b");
  expect(lines).not.toContain("pvh up");
  const page = markdownSummary(state, "x");
  expect(tellings(page)).toBe(1);
  expect(page).toContain("not run: `4 checks of a, b`");
  const [shown, ...others] = failuresOfRun(state, "x");
  expect(others).toEqual([]);
  expect(shown).toMatchObject({ unrun: "4 checks of a, b", hold: "" });
  const junit = junitReport(state, "x");
  // The message of a case, and its text, which repeats it for GitLab.
  expect(tellings(junit)).toBe(2);
  expect(junit).toContain("not run   4 checks of a, b");
  expect(junit.split('message="not run, as a &gt; a.1"').length - 1).toBe(3);
  expect(junit).toContain('tests="4" failures="0" errors="4"');
  expect(githubAnnotations(state).filter((line) => line.startsWith("::error"))).toHaveLength(1);
});

test("a scenario that had its appengine tells its own failure, whatever others say", () => {
  const gone: Failure = { class: "product", code: "PVH_ASSERT", message: "it is gone" };
  const scenarioOf = (name: string): RunEvent[] => [
    start(name, "unix", [[`${name}.1`, "it works"]]),
    stage(name, "container", 200),
    end(name, `${name}.1`, "failed", { failure: gone }),
    { type: "scenario.finished", scenario: name, verdict: "failed", ms: 1 },
  ];
  const state = foldRun(record([...scenarioOf("a"), ...scenarioOf("b")]));
  const lines = failureReport(state, "x", WHOLE).join("\n");
  expect(lines.split("it is gone").length - 1).toBe(2);
  expect(lines).not.toContain("not run");
  expect(junitReport(state, "x")).not.toContain("not run, as");
});
