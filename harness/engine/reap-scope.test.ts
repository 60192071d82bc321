import { expect, test } from "vitest";
import { formatOwner, HELD_LABEL, OWNER_LABEL, RUN_LABEL } from "./labels.ts";
import { isIn } from "./reap-scope.ts";
import type { Labelled, ReapScope } from "./reap-scope.ts";

/** Machine on which only process 7 lives. */
const machine = {
  machine: "m",
  boot: "b",
  startTime: (pid: number) => (pid === 7 ? 100 : undefined),
};
const living = formatOwner({ machine: "m", boot: "b", pid: 7, start: 100 });
const dead = formatOwner({ machine: "m", boot: "b", pid: 8, start: 100 });
const unknown = formatOwner({ machine: "elsewhere", boot: "b", pid: 8, start: 100 });

function thing(owner: string, how: { held?: boolean; unfinished?: boolean } = {}): Labelled {
  const held: Record<string, string> = how.held === true ? { [HELD_LABEL]: "true" } : {};
  return {
    name: "pvh-1",
    id: "c0ffee",
    labels: { [OWNER_LABEL]: owner, [RUN_LABEL]: "r", ...held },
    unfinished: how.unfinished ?? false,
  };
}

const SCOPES: readonly ReapScope[] = [
  { kind: "all" },
  { kind: "dead-owners" },
  { kind: "unused" },
  { kind: "owner", owner: living },
  { kind: "run", run: "r" },
  { kind: "container", name: "pvh-1" },
];

test("no scope ever holds what lacks our owner label", () => {
  for (const scope of SCOPES) {
    expect(isIn(scope, { name: "pvh-1", labels: { [RUN_LABEL]: "r" } }, machine)).toBe(false);
    expect(isIn(scope, { labels: null }, machine)).toBe(false);
    expect(isIn(scope, { labels: { [OWNER_LABEL]: "me" } }, machine)).toBe(false);
  }
});

test.each([
  ["of a living run", thing(living), { dead: false, unused: false }],
  ["of a killed run", thing(dead), { dead: true, unused: true }],
  ["of a run elsewhere", thing(unknown), { dead: false, unused: false }],
  ["held", thing(dead, { held: true }), { dead: false, unused: true }],
  ["held from elsewhere", thing(unknown, { held: true }), { dead: false, unused: true }],
  ["held, still being started", thing(living, { held: true }), { dead: false, unused: false }],
  [
    "held, never started by a killed pvh",
    thing(dead, { held: true, unfinished: true }),
    { dead: true, unused: true },
  ],
  [
    "never started yet by a living pvh",
    thing(living, { held: true, unfinished: true }),
    { dead: false, unused: false },
  ],
])("an appengine %s goes where it may", (_what, one, { dead: withDead, unused }) => {
  expect(isIn({ kind: "dead-owners" }, one, machine)).toBe(withDead);
  expect(isIn({ kind: "unused" }, one, machine)).toBe(unused);
  expect(isIn({ kind: "all" }, one, machine)).toBe(true);
});

test("a run, an owner and a container are told apart from others", () => {
  const one = thing(living);
  expect(isIn({ kind: "run", run: "r" }, one, machine)).toBe(true);
  expect(isIn({ kind: "run", run: "other" }, one, machine)).toBe(false);
  expect(isIn({ kind: "owner", owner: living }, one, machine)).toBe(true);
  expect(isIn({ kind: "owner", owner: dead }, one, machine)).toBe(false);
  expect(isIn({ kind: "container", name: "pvh-1" }, one, machine)).toBe(true);
  expect(isIn({ kind: "container", name: "c0ffee" }, one, machine)).toBe(true);
  expect(isIn({ kind: "container", name: "pvh-2" }, one, machine)).toBe(false);
});
