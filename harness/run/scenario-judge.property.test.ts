import fc from "fast-check";
import { expect, test } from "vitest";
import { exitCodeOf } from "../../reports/exit-code.ts";
import { junitReport } from "../../reports/junit.ts";
import { countChecks, foldRun, lastAttempt } from "../../reports/run-state.ts";
import { summarise } from "../../reports/summary.ts";
import { EXIT } from "../../reports/exit-codes.ts";
import { toLine } from "./event-log.ts";
import type { RecordedEvent, Verdict } from "../../reports/events.ts";
import { failureOf } from "../failure.ts";
import { JournalLines } from "./journal.ts";
import { ScenarioJudge } from "./scenario-judge.ts";
import type { FrameworkView, ScenarioEnd } from "./scenario-judge.ts";
import { CANCELLED } from "./testimony.ts";
import type { Testimony } from "./testimony.ts";
import { junitFailures } from "./testdata/run-apart.ts";

const numRuns = Number(process.env["PVH_PROPERTY_RUNS"] ?? 10_000);

/** Behaviours of a check. Only `pass` and `skip` may leave a run green. */
const OUTCOMES = [
  "pass",
  "pass",
  "pass",
  "skip",
  "fail",
  "soft", // the record says passed, vitest says failed
  "skips-after-soft",
  "dies",
  "is-killed",
  "hangs",
  "says-nothing",
  "skips-as-cancelled",
] as const;
type Outcome = (typeof OUTCOMES)[number];

interface Plan {
  readonly checks: readonly Outcome[];
  /** Errors that nothing catches: for each, whether it is awaited later after all. */
  readonly strays: readonly boolean[];
  readonly boots: boolean;
  readonly tearDown: "ends" | "dies" | "hangs" | "throws";
  readonly foreignTest: "none" | "fails";
}

const plans = fc.record<Plan>({
  checks: fc.array(fc.constantFrom(...OUTCOMES), { minLength: 1, maxLength: 4 }),
  strays: fc.array(fc.boolean(), { maxLength: 2 }),
  boots: fc.constantFrom(true, true, true, false),
  tearDown: fc.constantFrom("ends", "ends", "ends", "dies", "hangs", "throws"),
  foreignTest: fc.constantFrom("none", "none", "none", "fails"),
});

const WELL: Plan = {
  checks: ["pass", "skip"],
  strays: [true],
  boots: true,
  tearDown: "ends",
  foreignTest: "none",
};

type Mutation =
  | { readonly kind: "none" | "no view" | "cancelled" }
  | { readonly kind: "drop" | "twice" | "swap" | "kill"; readonly line: number }
  | { readonly kind: "truncate" | "garble"; readonly line: number; readonly at: number };

const index = fc.nat(40);
const mutations = fc.oneof(
  fc.constantFrom<Mutation>({ kind: "none" }, { kind: "no view" }, { kind: "cancelled" }),
  fc.record({ kind: fc.constantFrom("drop", "twice", "swap", "kill"), line: index }),
  fc.record({ kind: fc.constantFrom("truncate", "garble"), line: index, at: fc.nat(400) }),
);

const CANCELLING = "skips-as-cancelled";

const id = (number: number): string => `c${number}`;

/** Reports of an honest process and an honest vitest on a plan, up to the process's end. */
function witnesses(plan: Plan): { said: Testimony[]; end: ScenarioEnd; view: FrameworkView } {
  const scenario = "s";
  const said: Testimony[] = [];
  const checks: Map<string, { state: Verdict | "pending"; failures: [] }> = new Map();
  const outside =
    plan.foreignTest === "fails" ? [failureOf("PVH_SCENARIO", "test 'x' failed")] : [];
  const view = { checks, outside };
  const failure = failureOf("PVH_CONTROL", "no answer");
  said.push({
    type: "scenario.started",
    scenario,
    suite: "u",
    summary: "",
    checks: [],
    file: "f",
    attempt: 1,
  });
  plan.strays.forEach((handled, stray) => {
    said.push({ type: "stray", scenario, stray, failure });
    if (handled) said.push({ type: "stray.handled", scenario, stray });
  });
  const finished = (check: string, verdict: Verdict, reason?: string): void => {
    said.push({
      type: "check.finished",
      scenario,
      check,
      title: check,
      verdict,
      ms: 1,
      ...(verdict === "failed" && { failure }),
      ...(reason !== undefined && { reason }),
    });
  };
  const framework = (check: string, state: Verdict): void => {
    const failures = state === "failed" ? [failureOf("PVH_SCENARIO", "vitest")] : [];
    said.push({ type: "framework.finished", scenario, check, state, failures });
    checks.set(check, { state, failures: [] });
  };
  for (const [number, outcome] of plan.checks.entries()) {
    const check = id(number);
    if (!plan.boots) {
      finished(check, "failed");
      framework(check, "failed");
      continue;
    }
    said.push({ type: "check.started", scenario, check, deadline: 100 });
    checks.set(check, { state: "pending", failures: [] });
    switch (outcome) {
      case "pass":
        finished(check, "passed");
        framework(check, "passed");
        break;
      case "skip":
        finished(check, "skipped", "not here");
        framework(check, "skipped");
        break;
      case "skips-as-cancelled":
        finished(check, "skipped", CANCELLED);
        framework(check, "skipped");
        break;
      case "fail":
        finished(check, "failed");
        framework(check, "failed");
        break;
      case "soft":
        finished(check, "passed");
        framework(check, "failed");
        break;
      case "skips-after-soft":
        finished(check, "skipped", "not here");
        framework(check, "failed");
        break;
      case "says-nothing":
        framework(check, "passed");
        break;
      case "dies":
        return { said, end: { kind: "died", how: "exit 0", fromOutside: false }, view };
      case "is-killed":
        return { said, end: { kind: "died", how: "SIGKILL", fromOutside: true }, view };
      case "hangs":
        return { said, end: { kind: "overdue", failure: failureOf("PVH_DEADLINE", "late") }, view };
    }
  }
  if (plan.tearDown === "dies") {
    return { said, end: { kind: "died", how: "SIGSEGV", fromOutside: false }, view };
  }
  if (plan.tearDown === "hangs") {
    return { said, end: { kind: "overdue", failure: failureOf("PVH_DEADLINE", "late") }, view };
  }
  if (plan.tearDown === "throws") outside.push(failureOf("PVH_SCENARIO", "afterAll threw"));
  // The judge does not believe the verdict of the process on its own scenario.
  said.push({ type: "scenario.finished", scenario, verdict: "passed", ms: 2 });
  return { said, end: { kind: "ended" }, view };
}

/** True when no part of the plan may make it fail. */
function isWell({ checks, strays, boots, tearDown, foreignTest }: Plan): boolean {
  return (
    checks.every((outcome) => outcome === "pass" || outcome === "skip") &&
    strays.every((handled) => handled) &&
    boots &&
    tearDown === "ends" &&
    foreignTest === "none"
  );
}

function judged(plan: Plan, mutation: Mutation): RecordedEvent[] {
  const told = witnesses(plan);
  const { said, view } = told;
  let { end } = told;
  let lines = said.map((testimony, n) => toLine({ v: 2, t: n, n: n + 1, ...testimony }));
  const cancelled = mutation.kind === "cancelled";
  if ("line" in mutation) {
    const at = mutation.line % lines.length;
    const line = lines[at] ?? "";
    const next = lines[at + 1];
    if (mutation.kind === "drop") lines = lines.toSpliced(at, 1);
    if (mutation.kind === "twice") lines = lines.toSpliced(at, 0, line);
    if (mutation.kind === "swap" && next !== undefined) lines = lines.toSpliced(at, 2, next, line);
    if (mutation.kind === "kill") {
      lines = lines.slice(0, at);
      if (end.kind === "ended") end = { kind: "died", how: "SIGKILL", fromOutside: true };
    }
    if ("at" in mutation) {
      const place = mutation.at % (line.length - 1);
      const cut = mutation.kind === "truncate" ? "" : String.fromCharCode(33 + (place % 90));
      const rest = mutation.kind === "truncate" ? "\n" : line.slice(place + 1);
      lines = lines.with(at, line.slice(0, place) + cut + rest);
    }
  }
  const reader = new JournalLines("s");
  const judge = new ScenarioJudge(
    {
      scenario: "s",
      suite: "u",
      summary: "",
      file: "f",
      attempt: 1,
      checks: plan.checks.map((_, number) => ({ id: id(number), title: "t" })),
    },
    () => (cancelled ? CANCELLED : undefined),
  );
  const events = reader.add(Buffer.from(lines.join(""))).flatMap((one) => judge.hear(one));
  const { loss } = reader;
  const seen = mutation.kind === "no view" ? undefined : view;
  const lost = loss !== undefined && end.kind === "ended" ? [loss] : [];
  return [...events, ...judge.end(end, seen, lost, 99)];
}

test(
  "no interruption turns a failing plan green, and the reports agree with the exit code",
  { timeout: 240_000 },
  () => {
    fc.assert(
      fc.property(plans, mutations, (plan, mutation) => {
        const events = judged(plan, mutation);
        const state = foldRun(events);
        const exitCode = exitCodeOf(state);
        const isCancelled = mutation.kind === "cancelled";
        const scenario = state.scenarios.get("s");
        if (scenario === undefined) throw new Error("the scenario is not in the record");
        const attempt = lastAttempt(scenario);
        expect(attempt.verdict).toBeDefined();
        expect([...attempt.checks.keys()]).toEqual(plan.checks.map((_, number) => id(number)));
        for (const { verdict, reason } of attempt.checks.values()) {
          expect(["passed", "failed", "skipped"]).toContain(verdict);
          if (verdict === "skipped") expect(reason).toBeDefined();
        }
        // The end of what only vitest's view knows is lost with it.
        const onlyInView =
          mutation.kind === "no view" &&
          isWell({ ...plan, foreignTest: "none", tearDown: "ends" }) &&
          plan.tearDown !== "dies" &&
          plan.tearDown !== "hangs";
        // A reason with another letter in it is a reason of the check's own, on which both agree.
        const isOtherReason =
          mutation.kind === "garble" &&
          [...attempt.checks.values()].some(
            ({ reason }, number) => plan.checks[number] === CANCELLING && reason !== CANCELLED,
          ) &&
          isWell({ ...plan, checks: plan.checks.filter((outcome) => outcome !== CANCELLING) });
        const isGreen = exitCode === EXIT.pass || exitCode === EXIT.nothing;
        if (!isWell(plan) && !isCancelled && !onlyInView && !isOtherReason) {
          expect(isGreen).toBe(false);
        }
        if (isWell(plan) && mutation.kind === "none") expect(isGreen).toBe(true);
        const xml = junitReport(state, "folder");
        expect(junitFailures(xml) > 0).toBe(!isGreen);
        const { passed, failed, skipped } = countChecks(state);
        expect(xml.match(/<testcase /g)?.length).toBe(passed + failed + skipped);
        expect(junitFailures(xml)).toBe(failed);
        expect(JSON.parse(JSON.stringify(summarise(state)))).toMatchObject({ version: 1 });
        // A cancelled run ends with the code of the signal, however its checks ended.
        expect(exitCodeOf(state, "SIGINT")).toBe(EXIT.sigint);
      }),
      // Few generated plans are well and undisturbed.
      { numRuns, examples: [[WELL, { kind: "none" }]] },
    );
  },
);
