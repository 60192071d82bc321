import { describe, expect, it } from "vitest";
import { autoRecovery } from "../../shared/formats/run-manifest.ts";
import { none } from "../../shared/quirks/quirks.ts";
import type { ContainerEvent, ContainerPlan, ContainerState } from "./container-state.ts";
import { installed } from "./container-state.ts";
import { stepContainer } from "./container.ts";
import { containerPlan } from "./revision-simulation.fixture.ts";

const recovery = autoRecovery.parse({ policy: "always", retry_delay: 1 });
const REASON = "volume 'x' is missing";
const failed: ContainerEvent = { type: "ended", exitCode: null, reason: REASON };
const again: readonly ContainerEvent[] = [{ type: "timer", timer: "recovery" }, { type: "launch" }];

function after(plan: ContainerPlan, events: readonly ContainerEvent[]) {
  const messages: string[] = [];
  let state: ContainerState = installed;
  for (const event of events) {
    const step = stepContainer(plan, state, event, 0, none);
    state = step.state;
    for (const effect of step.effects) if (effect.type === "log") messages.push(effect.message);
  }
  return { failure: state.failure, status: state.status, messages };
}

describe("the reason for which a container cannot be started", () => {
  it.each([
    ["its mounts", []],
    ["its process", [{ type: "mounted" }, { type: "starting" }]],
  ] as const)("is in the log and stays while it is tried again: %s", (_, done) => {
    const plan = containerPlan("c", { recovery });
    const { failure, status, messages } = after(plan, [
      { type: "launch" },
      ...done,
      failed,
      ...again,
      ...done,
    ]);
    expect(messages).toContain(`platform 'c' suddenly stopped (${REASON})`);
    expect([failure, status]).toEqual([REASON, done.length === 0 ? "INSTALLED" : "STARTING"]);
  });

  it.each([
    ["STARTED", [{ type: "mounted" }, { type: "starting" }, { type: "started" }]],
    ["MOUNTED", [{ type: "mounted" }]],
  ] as const)("is gone when it has reached %s, its goal", (statusGoal, done) => {
    const plan = containerPlan("c", { recovery, statusGoal });
    const { failure, status } = after(plan, [{ type: "launch" }, failed, ...again, ...done]);
    expect([failure, status]).toEqual([undefined, statusGoal]);
  });
});
