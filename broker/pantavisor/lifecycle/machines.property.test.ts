import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { recoveryDocument } from "../../shared/formats/documents.fixture.ts";
import { CONTAINER_STATUSES } from "../../shared/formats/control.ts";
import { autoRecovery } from "../../shared/formats/run-manifest.ts";
import { PROPERTY_RUNS } from "../../shared/formats/property-runs.fixture.ts";
import { none } from "../../shared/quirks/quirks.ts";
import { parseTimeScale } from "./clock.ts";
import type {
  ContainerEffect,
  ContainerEvent,
  ContainerPlan,
  ContainerState,
  Step,
} from "./container-state.ts";
import { installed, isUp } from "./container-state.ts";
import { stepContainer } from "./container.ts";
import { actionRefusal } from "./action-refusal.ts";
import { contribution, worstStatus } from "./group-status.ts";
import { backoffSeconds, decideRecovery, formatBackoffPolicy } from "./recovery.ts";
import { respawnAfter } from "./respawn.ts";
import { changeBetween } from "./revision-change.ts";
import type { ChangeSide } from "./revision-change.ts";
import { containerPlan, revisionPlan } from "./revision-simulation.fixture.ts";
import type { RevisionState } from "./revision.ts";
import { initialRevision } from "./revision.ts";
import { isOver, newTrial, stepTrial } from "./trial.ts";

const recovery = fc.option(
  recoveryDocument.map((document) => autoRecovery.parse(document)),
  { nil: undefined },
);
const plan = fc
  .record({
    statusGoal: fc.constantFrom("MOUNTED" as const, "STARTED" as const, "READY" as const),
    restartPolicy: fc.constantFrom("system" as const, "container" as const),
    recovery,
  })
  .map((rest) => containerPlan("a", rest));

const event: fc.Arbitrary<ContainerEvent> = fc.oneof(
  fc
    .constantFrom<ContainerEvent["type"]>(
      ...(["block", "launch", "mounted", "starting", "started", "ready-signal"] as const),
      ...(["stop", "start", "restart", "launch", "mounted", "starting", "started"] as const),
    )
    .map((type) => ({ type }) as ContainerEvent),
  fc.record({ type: fc.constant("ended" as const), exitCode: fc.constantFrom(0, 1, null) }),
  fc.record({
    type: fc.constant("timer" as const),
    timer: fc.constantFrom("recovery" as const, "stable" as const, "grace" as const),
  }),
);

/** Events of a container that starts, fails, and whose recovery delay is over. */
const cycle: readonly ContainerEvent[] = [
  { type: "launch" },
  { type: "mounted" },
  { type: "started" },
  { type: "ended", exitCode: 1 },
  { type: "timer", timer: "recovery" },
];
const events = fc
  .array(
    fc.oneof(
      { weight: 4, arbitrary: event.map((one) => [one]) },
      { weight: 1, arbitrary: fc.constant(cycle) },
    ),
    { maxLength: 25 },
  )
  .map((lists) => lists.flat());

/** The rule that a step of a container breaks, if any; `expect` would be slower than the steps. */
function violation(
  of: ContainerPlan,
  before: ContainerState,
  { type: told }: ContainerEvent,
  { state: after, effects }: Step,
): string | undefined {
  const has = (type: ContainerEffect["type"]) => effects.some((effect) => effect.type === type);
  if (!CONTAINER_STATUSES.includes(after.status)) return `there is no ${after.status}`;
  if (has("launch") && isUp(before)) return "a launch of what is up";
  if (has("launch") !== (after.launching && !before.launching)) return "a launch that is unknown";
  if ((has("halt") || has("kill")) && after.status !== "STOPPING") return "a halt without a stop";
  const ends = isUp(before) && !isUp(after);
  if (ends && after.status !== "MOUNTED" && !has("release")) return "mounts are left";
  const unmounts = before.status === "MOUNTED" && after.status === "STOPPED";
  if (unmounts && !has("release")) return "its mounts are left";
  const recovers = after.status === "RECOVERING" && before.status !== "RECOVERING";
  if (recovers && !has("arm")) return "a recovery that never ends";
  const limit = of.recovery?.max_retries ?? 0;
  if (limit > 0 && after.retries > limit) return `retry ${after.retries} of ${limit}`;
  if (told === "stop" && !after.userStopped) return "a stop that is forgotten";
  if (after.userStopped && !before.userStopped && told !== "stop") return "a stop by nobody";
  const lines = effects.filter(
    (effect) => effect.type === "log" && effect.message.includes("status is now"),
  );
  return lines.length === Number(before.status !== after.status) ? undefined : "not logged once";
}

describe("a container, in whatever order it is told things", () => {
  it("keeps its state and its effects in step", () => {
    fc.assert(
      fc.property(plan, events, (of, list) => {
        let state: ContainerState = installed;
        let now = 0;
        for (const one of list) {
          const step = stepContainer(of, state, one, (now += 900), none);
          const wrong = violation(of, state, one, step);
          if (wrong !== undefined) expect.unreachable(`${one.type} in ${state.status}: ${wrong}`);
          ({ state } = step);
        }
        expect(contribution(of, state, none)).toBe(
          worstStatus([contribution(of, state, none), "READY"]),
        );
      }),
      { numRuns: PROPERTY_RUNS },
    );
  });

  it("obeys what is not refused: up after a start, down after a stop", () => {
    fc.assert(
      fc.property(plan, fc.array(event, { maxLength: 15 }), (of, events) => {
        let state: ContainerState = installed;
        for (const one of events) ({ state } = stepContainer(of, state, one, 0, none));
        const told = (type: "start" | "stop") => stepContainer(of, state, { type }, 0, none).state;
        expect(actionRefusal(of, state, "stop")).toBeUndefined();
        expect(["STOPPED", "STOPPING"]).toContain(told("stop").status);
        if (actionRefusal(of, state, "start") !== undefined) return;
        const started = told("start");
        const isComing = started.status === "INSTALLED" || started.next === "restart";
        expect(isComing || isUp(started)).toBe(true);
      }),
      { numRuns: PROPERTY_RUNS },
    );
  });
});

describe("a recovery", () => {
  it("is a decision that its policy allows", () => {
    const end = fc.record({
      exitCode: fc.constantFrom(0, 1, 255, null),
      retries: fc.nat(5),
      runSeconds: fc.nat(20),
    });
    fc.assert(
      fc.property(plan, end, (of, how) => {
        const decision = decideRecovery(of, how, none);
        const {
          policy = "no",
          max_retries: limit = 0,
          backoff_policy: backoff,
        } = of.recovery ?? {};
        if (policy === "no") {
          expect(decision.kind).toBe(of.restartPolicy === "system" ? "reboot" : "stay");
        } else if (policy === "on-failure" && how.exitCode === 0) {
          expect(decision).toEqual({ kind: "stay", crashed: false });
        } else if (decision.kind === "retry") {
          expect(limit === 0 || decision.attempt <= limit).toBe(true);
          expect(decision.delaySeconds).toBeGreaterThanOrEqual(0);
        } else {
          expect(how.retries).toBeGreaterThanOrEqual(limit);
          const seconds = backoffSeconds(backoff ?? "");
          if (decision.kind === "pause") expect(decision.delaySeconds).toBe(seconds);
          else expect(decision.kind).toBe(backoff === "reboot" ? "reboot" : "give-up");
        }
      }),
      { numRuns: PROPERTY_RUNS },
    );
  });

  it("writes a back-off as it reads it", () => {
    const written = fc.tuple(
      fc.nat(9999),
      fc.constantFrom<[string, number]>(["", 1], ["s", 1], ["min", 60], ["h", 3600]),
    );
    fc.assert(
      fc.property(written, fc.string({ maxLength: 6 }), ([count, [unit, seconds]], text) => {
        const policy = `${count}${unit}`;
        expect(backoffSeconds(policy)).toBe(count * seconds);
        expect(backoffSeconds(formatBackoffPolicy(policy))).toBe(backoffSeconds(policy));
        expect(formatBackoffPolicy(formatBackoffPolicy(text))).toBe(formatBackoffPolicy(text));
      }),
      { numRuns: PROPERTY_RUNS },
    );
  });

  it("of a daemon is slower the more often it crashes, and at once after a healthy run", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(10_000), { maxLength: 12 }), (runs) => {
        let crashes = 0;
        let last = 0;
        for (const run of runs) {
          const next = respawnAfter(crashes, run);
          if (run >= 5000) expect(next).toEqual({ crashes: 1, delay: 0 });
          else expect(next.delay).toBeGreaterThanOrEqual(last);
          expect(next.delay).toBeLessThanOrEqual(5000);
          last = next.delay;
          ({ crashes } = next);
        }
      }),
      { numRuns: PROPERTY_RUNS },
    );
  });
});

describe("a trial", () => {
  const names = ["a", "b"];
  const container = fc.record({
    status: fc.constantFrom(...CONTAINER_STATUSES),
    crashed: fc.boolean(),
    stable: fc.boolean(),
    goalReached: fc.boolean(),
    userStopped: fc.boolean(),
    retries: fc.nat(2),
  });
  const moment = fc.record({
    containers: fc.tuple(container, container),
    status: fc.constantFrom("READY" as const, "STARTED" as const),
    timedOut: fc.boolean(),
    event: fc.constantFrom("step" as const, "step" as const, "delay-over" as const),
  });

  it("ends once, passes only READY and stable behind its delay, and fails with a reason", () => {
    fc.assert(
      fc.property(recovery, fc.array(moment, { maxLength: 8 }), (policy, moments) => {
        const of = revisionPlan(...names.map((name) => containerPlan(name, { recovery: policy })));
        let trial = newTrial;
        let armed = 0;
        for (const { containers, status, timedOut, event: what } of moments) {
          const state: RevisionState = {
            ...initialRevision(of),
            status,
            timedOut: new Set(timedOut ? ["app"] : []),
            containers: new Map(
              containers.map((one, index) => [names[index] ?? "", { ...installed, ...one }]),
            ),
          };
          const step = stepTrial(trial, what, of, state);
          if (isOver(trial)) expect(step).toEqual({ trial, armDelay: false });
          armed += Number(step.armDelay);
          if (step.trial.phase === "passed" && trial.phase !== "passed") {
            expect([status, step.trial.delayOver]).toEqual(["READY", true]);
            expect(containers.some((one) => one.crashed && one.status === "STOPPED")).toBe(false);
          }
          expect(step.trial.reason !== undefined).toBe(step.trial.phase === "failed");
          trial = step.trial;
        }
        expect(armed).toBeLessThanOrEqual(1);
      }),
      { numRuns: PROPERTY_RUNS },
    );
  });
});

it("a change of revision keeps what is the same in both, and nothing else", () => {
  const names = ["a", "b", "c"];
  const side = fc
    .record({
      containers: fc.subarray(names),
      keys: fc.subarray(["a/x", "b/y", "_config/a/etc/f", "_sigs/b.json", "device.json"]),
      value: fc.nat(1),
      policy: fc.constantFrom("system" as const, "container" as const),
    })
    .map(({ containers, keys, value, policy }): ChangeSide => ({
      plan: revisionPlan(
        ...containers.map((name) =>
          containerPlan(name, name === "c" ? { restartPolicy: policy } : {}),
        ),
      ),
      entries: [
        ...containers.map((name) => [`${name}/run.json`, name] as const),
        ...keys.map((key) => [key, value] as const),
      ],
    }));
  fc.assert(
    fc.property(side, side, (before, after) => {
      const same = changeBetween(before, before);
      expect(same).toEqual({
        kind: "in-place",
        kept: new Set(before.plan.containers.map(({ name }) => name)),
      });
      const change = changeBetween(before, after);
      // Changes are symmetric: one that needs a reboot forward needs one back.
      expect(changeBetween(after, before).kind).toBe(change.kind);
      if (change.kind === "reboot") return;
      for (const name of change.kept) {
        const of = ({ plan: { containers } }: ChangeSide) =>
          containers.find((one) => one.name === name);
        expect(of(after)).toEqual(of(before));
        expect(of(after)).toBeDefined();
      }
      const text = ({ entries }: ChangeSide) => new Map(entries).get("device.json");
      expect(text(after)).toBe(text(before));
    }),
    { numRuns: PROPERTY_RUNS },
  );
});

it("a time scale is a number from 1 to 100000, or refused", () => {
  const text = fc.oneof(fc.double().map(String), fc.nat(200_000).map(String), fc.string());
  fc.assert(
    fc.property(text, (given) => {
      let scale;
      try {
        scale = parseTimeScale(given);
      } catch (error) {
        expect(String(error)).toContain("is not a number from 1 to 100000");
        return;
      }
      expect(scale >= 1 && scale <= 100_000).toBe(true);
      if (given !== "") expect(scale).toBe(Number(given));
    }),
    { numRuns: PROPERTY_RUNS },
  );
});
