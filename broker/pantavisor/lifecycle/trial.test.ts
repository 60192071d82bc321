import { expect, it } from "vitest";
import { installed } from "./container-state.ts";
import type { ContainerState } from "./container-state.ts";
import { containerPlan, revisionPlan } from "./revision-simulation.fixture.ts";
import type { RevisionState } from "./revision.ts";
import { initialRevision } from "./revision.ts";
import type { TrialEvent, TrialState } from "./trial.ts";
import { newTrial, stepTrial } from "./trial.ts";
import { autoRecovery } from "../../shared/formats/run-manifest.ts";

const recovery = autoRecovery.parse({ policy: "always", max_retries: 3, stable_timeout: 30 });
const plan = revisionPlan(containerPlan("a"), containerPlan("b", { recovery }));
const up: ContainerState = { ...installed, status: "STARTED", goalReached: true };

function revision(rest: Partial<RevisionState>, ...states: Partial<ContainerState>[]) {
  const containers = plan.containers.map(
    ({ name }, index) => [name, { ...up, ...states[index] }] as const,
  );
  return { ...initialRevision(plan), containers: new Map(containers), ...rest };
}

/** The phases that a trial goes through. */
function phases(...events: (readonly [TrialEvent, RevisionState])[]): string[] {
  let trial: TrialState = newTrial;
  return events.map(([event, state]) => {
    ({ trial } = stepTrial(trial, event, plan, state));
    return trial.reason ?? trial.phase;
  });
}

const ready = revision({ status: "READY" });
const stable = revision({ status: "READY" }, {}, { stable: true });
const starting = revision({ status: "STARTING" });

it("passes when the delay is over and everything is stable", () => {
  expect(phases(["step", starting], ["step", ready], ["step", stable])).toEqual([
    "starting",
    "testing",
    "testing",
  ]);
  expect(phases(["step", ready], ["delay-over", stable])).toEqual(["testing", "passed"]);
});

it("holds the commit until every container with a stable_timeout is stable", () => {
  expect(phases(["step", ready], ["delay-over", ready], ["step", stable])).toEqual([
    "testing",
    "holding",
    "passed",
  ]);
});

it("does not pass while a container recovers", () => {
  const recovering = revision(
    { status: "RECOVERING" },
    {},
    { status: "RECOVERING", crashed: true, retries: 1 },
  );
  expect(phases(["step", ready], ["delay-over", recovering], ["step", stable])).toEqual([
    "testing",
    "testing",
    "passed",
  ]);
});

it("the delay begins once", () => {
  const first = stepTrial(newTrial, "step", plan, ready);
  expect(first.armDelay).toBe(true);
  expect(stepTrial(first.trial, "step", plan, starting).armDelay).toBe(false);
  expect(stepTrial(first.trial, "step", plan, ready).armDelay).toBe(false);
});

it.each([
  [revision({}, { status: "STOPPED", crashed: true }), "A container could not be started: a"],
  // The retries are used up, so it fails, however long its backoff pause is.
  [
    revision({}, {}, { status: "RECOVERING", crashed: true, retries: 0 }),
    "A container could not be started: b",
  ],
  [
    revision({ timedOut: new Set(["app"]) }, {}, { status: "BLOCKED", goalReached: false }),
    "Status goal not reached: b is BLOCKED, not STARTED",
  ],
  [revision({ outcome: "reboot" }), "reboot before it was stable"],
])("fails: %#", (state, reason) => {
  expect(phases(["step", ready], ["step", state], ["delay-over", stable])).toEqual([
    "testing",
    reason,
    reason,
  ]);
});

it("a container that the user stopped, or that ended well, fails no trial", () => {
  const stopped = revision({ status: "READY" }, {}, { status: "STOPPED", userStopped: true });
  expect(phases(["step", ready], ["delay-over", stopped])).toEqual(["testing", "passed"]);
});
