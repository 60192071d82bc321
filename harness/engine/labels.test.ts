import fc from "fast-check";
import { expect, test } from "vitest";
import { formatOwner, isDead, OWNER_LABEL, ownerLabels, parseOwner, RUN_LABEL } from "./labels.ts";
import { isIn } from "./reaper.ts";

const owner = { machine: "m", boot: "b", pid: 7, start: 100 };
const machine = {
  machine: "m",
  boot: "b",
  startTime: (pid: number) => (pid === 7 ? 100 : undefined),
};

test("an owner survives its label", () => {
  const word = fc.stringMatching(/^[0-9a-f.-]+$/);
  fc.assert(
    fc.property(word, word, fc.integer({ min: 1 }), fc.nat(), (machineId, boot, pid, start) => {
      const one = { machine: machineId, boot, pid, start };
      expect(parseOwner(formatOwner(one))).toEqual(one);
    }),
  );
});

test.each(["", "m/b/0/1", "m/b/7", "m/b/-7/1", "m/b/7/1/2", "m/b/x/1", undefined])(
  "the label %j is not ours",
  (label) => expect(parseOwner(label)).toBeUndefined(),
);

test("this very process is alive by its own label", () => {
  const self = parseOwner(ownerLabels()[OWNER_LABEL]);
  expect(self?.pid).toBe(process.pid);
  expect(self !== undefined && isDead(self)).toBe(false);
  expect(self !== undefined && isDead({ ...self, start: self.start + 1 })).toBe(true);
});

test("an owner is dead when its pid is gone or belongs to a later process", () => {
  expect(isDead(owner, machine)).toBe(false);
  expect(isDead({ ...owner, pid: 8 }, machine)).toBe(true);
  expect(isDead({ ...owner, start: 99 }, machine)).toBe(true);
});

test("an owner on another machine, in another pid namespace or boot counts as alive", () => {
  expect(isDead({ ...owner, pid: 8, machine: "other" }, machine)).toBe(false);
  expect(isDead({ ...owner, pid: 8, boot: "other" }, machine)).toBe(false);
});

test("no scope ever holds what lacks our owner label", () => {
  const foreign = { name: "pvh-x", labels: { [RUN_LABEL]: "r" } };
  for (const scope of [
    { kind: "all" },
    { kind: "dead-owners" },
    { kind: "run", run: "r" },
    { kind: "container", name: "pvh-x" },
  ] as const) {
    expect(isIn(scope, foreign, () => true)).toBe(false);
    expect(isIn(scope, { labels: null }, () => true)).toBe(false);
  }
});

test("a held appengine outlives its maker, a run and a container are told apart", () => {
  const mine = { name: "pvh-1", labels: ownerLabels({ run: "r" }) };
  const held = { name: "pvh-2", labels: ownerLabels({ run: "r", held: true }) };
  const dead = () => true;
  expect(isIn({ kind: "dead-owners" }, mine, dead)).toBe(true);
  expect(isIn({ kind: "dead-owners" }, mine, () => false)).toBe(false);
  expect(isIn({ kind: "dead-owners" }, held, dead)).toBe(false);
  expect(isIn({ kind: "run", run: "r" }, mine)).toBe(true);
  expect(isIn({ kind: "run", run: "other" }, mine)).toBe(false);
  expect(isIn({ kind: "container", name: "pvh-1" }, mine)).toBe(true);
  expect(isIn({ kind: "container", name: "pvh-1" }, held)).toBe(false);
});
