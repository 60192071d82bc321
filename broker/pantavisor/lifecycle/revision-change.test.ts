import { expect, it } from "vitest";
import { installed } from "./container-state.ts";
import type { ContainerPlan } from "./container-state.ts";
import type { ChangeSide } from "./revision-change.ts";
import { adoptRevision, changeBetween } from "./revision-change.ts";
import { containerPlan, revisionPlan } from "./revision-simulation.fixture.ts";
import { initialRevision } from "./revision.ts";

const a = containerPlan("a");
const b = containerPlan("b");
const system = containerPlan("s", { restartPolicy: "system" });
const entries = {
  "groups.json": [],
  "bsp/run.json": {},
  "a/run.json": { name: "a" },
  "_config/a/etc/x": "1",
  "b/run.json": { name: "b" },
  "b/root.squashfs": "2",
  "s/run.json": { name: "s" },
  "_config/s/etc/x": "3",
  "_config/nobody/x": "4",
};

const side = (values: object, ...containers: ContainerPlan[]): ChangeSide => ({
  plan: revisionPlan(...containers),
  entries: Object.entries(values),
});
const before = side(entries, a, b, system);
const kept = (after: ChangeSide) => {
  const change = changeBetween(before, after);
  return change.kind === "in-place" ? [...change.kept].sort() : change.because;
};

it("nothing has changed: everything goes on", () => {
  expect(kept(before)).toEqual(["a", "b", "s"]);
});

it.each([
  ["its manifest", { "a/run.json": { name: "a", x: 1 } }, ["b", "s"]],
  ["its overlay", { "_config/a/etc/x": "9" }, ["b", "s"]],
  ["its signature", { "_sigs/a.json": {} }, ["b", "s"]],
  ["an image", { "b/root.squashfs": "9" }, ["a", "s"]],
  ["the root", { "groups.json": [1] }, "groups.json has changed"],
  ["the BSP", { "bsp/run.json": { x: 1 } }, "bsp/run.json has changed"],
  ["a system container", { "s/run.json": {} }, "'s' has restart_policy system"],
  ["a system container's file", { "_config/s/etc/x": "" }, "'s' has restart_policy system"],
  ["a file of nobody", { "_config/nobody/x": "9" }, "_config/nobody/x has changed"],
])("what a change of %s takes", (_, change, expected) => {
  expect(kept(side({ ...entries, ...change }, a, b, system))).toEqual(expected);
});

it("a container comes, another one goes", () => {
  const rest = Object.fromEntries(Object.entries(entries).filter(([key]) => !key.startsWith("b/")));
  const c = containerPlan("c");
  expect(kept(side({ ...rest, "c/run.json": {} }, a, system, c))).toEqual(["a", "s"]);
});

it("a group that changes by itself counts as a change", () => {
  expect(kept(side(entries, a, { ...b, group: "root" }, system))).toEqual(["a", "s"]);
  expect(kept(side(entries, a, { ...b, restartPolicy: "system" }, system))).toBe(
    "'b' has restart_policy system",
  );
});

it("the next revision takes over the kept containers alone", () => {
  const running = { ...installed, status: "STARTED", goalReached: true } as const;
  const plan = revisionPlan(a, b);
  const old = {
    ...initialRevision(plan),
    containers: new Map([
      ["a", running],
      ["b", running],
    ]),
    status: "READY" as const,
    openGroups: 4,
  };
  const next = adoptRevision(plan, old, new Set(["a"]));
  expect([...next.containers]).toEqual([
    ["a", running],
    ["b", installed],
  ]);
  expect(next).toMatchObject({ status: "NONE", openGroups: 0 });
});
