import fc from "fast-check";
import { expect, test, vi } from "vitest";
import {
  formatOwner,
  isAlive,
  isDead,
  OWNER_LABEL,
  OWNER_VARIABLE,
  ownerLabels,
  parseOwner,
} from "./labels.ts";

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

test("an owner that nothing is known of is neither dead nor alive", () => {
  expect(isAlive(owner, machine)).toBe(true);
  expect(isAlive({ ...owner, pid: 8 }, machine)).toBe(false);
  expect(isAlive({ ...owner, machine: "other" }, machine)).toBe(false);
  expect(isAlive({ ...owner, boot: "other" }, machine)).toBe(false);
});

test("what a worker makes is its run's, and a variable that pvh did not write is ignored", () => {
  try {
    vi.stubEnv(OWNER_VARIABLE, formatOwner(owner));
    expect(ownerLabels()[OWNER_LABEL]).toBe("m/b/7/100");
    vi.stubEnv(OWNER_VARIABLE, "somebody");
    expect(parseOwner(ownerLabels()[OWNER_LABEL])?.pid).toBe(process.pid);
  } finally {
    vi.unstubAllEnvs();
  }
});
