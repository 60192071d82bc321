import { expect, test } from "vitest";
import { failureOf } from "../failure.ts";
import type { Failure } from "../../reports/events.ts";
import { EVENTS_VERSION } from "../../reports/events.ts";
import { ScenarioJudge } from "./scenario-judge.ts";
import { CANCELLED } from "./testimony.ts";

const damaged = failureOf("PVH_VERDICT", "the journal of its process is damaged: 1 lines");
const full = failureOf("PVH_NO_SPACE", "the journal cannot be written: ENOSPC");

/** Failures outside of the checks of a process that ended, with this damage. */
function told(outside: readonly Failure[]): (Failure | undefined)[] {
  const plan = { scenario: "s", suite: "u", summary: "", file: "f", attempt: 1, checks: [] };
  const judge = new ScenarioJudge(plan, () => undefined);
  const events = judge.end({ kind: "ended" }, { checks: new Map(), outside }, [damaged], 0);
  return events.flatMap((event) => (event.type === "failure" ? [event.failure] : []));
}

test("a journal that a full disk has cut is the machine's fault", () => {
  expect(told([full])[0]).toMatchObject({ code: "PVH_NO_SPACE", class: "infra" });
});

test("a journal that is damaged otherwise is pvh's fault", () => {
  expect(told([])[0]).toMatchObject({ code: "PVH_VERDICT", class: "harness" });
});

test("a scenario that was cut short has not passed", () => {
  const ids = ["a", "b"];
  const checks = ids.map((id) => ({ id, title: id }));
  const plan = { scenario: "s", suite: "u", summary: "", file: "f", attempt: 1, checks };
  const judge = new ScenarioJudge(plan, () => CANCELLED);
  const of = { v: EVENTS_VERSION, t: 0, n: 0, scenario: "s", check: "a" } as const;
  judge.hear({ ...of, type: "check.finished", title: "a", verdict: "passed", ms: 1 });
  judge.hear({ ...of, type: "framework.finished", state: "passed", failures: [] });
  const events = judge.end({ kind: "ended" }, { checks: new Map(), outside: [] }, [], 0);
  expect(events).toMatchObject([
    { type: "check.finished", check: "b", verdict: "skipped", reason: CANCELLED },
    { type: "scenario.finished", verdict: "skipped" },
  ]);
});
