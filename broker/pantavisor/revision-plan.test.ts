import { describe, expect, it } from "vitest";
import { parseGroups } from "../shared/formats/groups.ts";
import { STATE_SPEC, parseState } from "../shared/formats/state.ts";
import { none, parseQuirks } from "../shared/quirks/quirks.ts";
import { planRevision } from "./revision-plan.ts";

const recovery = { policy: "on-failure", max_retries: 5, retry_delay: 5 };
const groups = parseGroups([
  { name: "root", restart_policy: "system" },
  { name: "app", status_goal: "READY", timeout: 30, auto_recovery: recovery },
]);

function plan(run: object, quirks = none) {
  const entries = { "#spec": STATE_SPEC, "c/run.json": { name: "c", ...run } };
  return planRevision("0", parseState(entries, none), groups, 10, quirks).plan;
}

const containerOf = (run: object, quirks = none) => plan(run, quirks).containers[0];

describe("a container without values of its own", () => {
  it("takes its group's", () => {
    expect(containerOf({ group: "app" })).toMatchObject({
      group: "app",
      statusGoal: "READY",
      restartPolicy: "container",
      recovery: { policy: "on-failure", max_retries: 5, retry_delay: 5 },
    });
  });

  it("has no recovery when its group has none", () => {
    expect(containerOf({ group: "root" })?.recovery).toBeUndefined();
  });
});

it("a container's own values win", () => {
  const own = { group: "app", status_goal: "STARTED", restart_policy: "system" };
  expect(containerOf({ ...own, auto_recovery: { policy: "always" } })).toMatchObject({
    statusGoal: "STARTED",
    restartPolicy: "system",
    recovery: { policy: "always", max_retries: 0 },
  });
});

it("an explicit no opts out of the group's recovery, unless group-overrides-no", () => {
  const run = { group: "app", auto_recovery: { policy: "no" } };
  expect(containerOf(run)?.recovery?.policy).toBe("no");
  expect(containerOf(run, parseQuirks("group-overrides-no"))?.recovery?.policy).toBe("on-failure");
});

describe("containers that require each other", () => {
  const planAll = (needs: Record<string, string[]>) => {
    const state: Record<string, unknown> = { "#spec": STATE_SPEC };
    for (const [name, required] of Object.entries(needs)) {
      state[`${name}/run.json`] = { name, services: { required } };
      state[`${name}/services.json`] = [{ name: `of-${name}`, type: "unix", socket: "/s" }];
    }
    return () => planRevision("0", parseState(state, none), groups, 10, none);
  };

  it("are refused, with the whole cycle named", () => {
    expect(planAll({ x: ["of-a"], a: ["of-b"], b: ["of-c"], c: ["of-a"] })).toThrow(
      "a/run.json: services.required: they need each other: a → b → c → a",
    );
    expect(planAll({ a: ["of-a"] })).toThrow("a → a");
  });

  it("may share a provider", () => {
    expect(planAll({ a: ["of-b", "of-c"], b: ["of-c"], c: [], d: ["of-b"] })).not.toThrow();
  });
});

it("a group without a timeout has the configured one", () => {
  expect(plan({}).groups).toEqual([
    { name: "root", timeoutSeconds: 10 },
    { name: "app", timeoutSeconds: 30 },
  ]);
});
