import { execFileSync } from "node:child_process";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseSample, WATCH_SCRIPT } from "./sample.ts";
import type { WatchSample } from "./sample.ts";
import { violationsOf } from "./watchers.ts";

const CALM: WatchSample = {
  broker: { pid: 60, fds: 35, bytes: 60_000_000 },
  zombies: [],
  mounts: 32,
  loops: 5,
  cgroups: 11,
  containers: ["a", "b"],
  errors: [],
  control: { ms: 3, revision: "0" },
};

const ERROR = "[pantavisor] 12 ERROR\t -- [state]: it broke";

describe("a watched value beyond its limit is a violation", () => {
  test.each<[string, Partial<WatchSample>, string]>([
    ["broker-fds", { broker: { pid: 60, fds: 200, bytes: 1 } }, "holds 200 descriptors, 35 after"],
    [
      "broker-memory",
      { broker: { pid: 60, fds: 35, bytes: 500_000_000 } },
      "477 MiB, 57 MiB after",
    ],
    ["zombies", { zombies: ["7 sleep"] }, "1 zombies: 7 sleep"],
    ["loops", { loops: 6 }, "6 mounts of loop devices, 5 after"],
    ["mounts", { mounts: 40 }, "40 mounts, 32 after"],
    ["cgroups", { cgroups: 20 }, "20 control groups, 11 after"],
    ["control-latency", { control: { ms: 2_000, revision: "0" } }, "answers after 2000 ms"],
    ["control-latency", { control: undefined }, "pv-ctrl does not answer"],
    ["error-lines", { errors: [ERROR] }, "ERROR line that nobody expected: [pantavisor] 12 ERROR"],
  ])("%s", (watcher, over, says) => {
    const now = { ...CALM, ...over };
    expect(violationsOf(CALM, now, {})).toEqual([
      expect.objectContaining({ watcher, says: expect.stringContaining(says) as string }),
    ]);
    expect(violationsOf(CALM, now, { watchers: [watcher as "zombies"] })).toEqual([]);
  });

  test("and one within it is none", () => {
    const now = {
      ...CALM,
      broker: { pid: 61, fds: 60, bytes: 90_000_000 },
      mounts: 34,
      cgroups: 9,
    };
    expect(violationsOf(CALM, now, {})).toEqual([]);
  });
});

test("errors that the scenario provokes are none, and others still are", () => {
  const now = { ...CALM, errors: [ERROR, ERROR.replace("it", "other")] };
  expect(violationsOf(CALM, now, { errors: [/broke/] })).toEqual([]);
  expect(violationsOf(CALM, now, { errors: [/it broke/] })[0]?.says).toContain("other broke");
});

test.each([{ containers: ["a", "b", "c"] }, { control: { ms: 3, revision: "locals/next" } }])(
  "containers that are others than after the boot have mounts and groups of their own: %j",
  (other) => {
    const now = { ...CALM, mounts: 60, loops: 9, cgroups: 40, ...other };
    expect(violationsOf(CALM, now, {})).toEqual([]);
  },
);

test("what the script prints is read, on this machine too", () => {
  const printed = execFileSync("sh", ["-c", WATCH_SCRIPT], { encoding: "utf8", stdio: "pipe" });
  const sample = parseSample(printed, { ms: 1, revision: "0" });
  expect(sample.mounts).toBeGreaterThan(0);
  expect(sample.errors).toEqual([]);
  const whole = parseSample(
    `zombie 7 a b\nbroker 60 35 100\nmounts 32 5\n/sys/fs/cgroup\n/sys/fs/cgroup/lxc/b\n/sys/fs/cgroup/lxc/a\n/sys/fs/cgroup/lxc/a/x\n/var/l/pantavisor.log:${ERROR}\n`,
    undefined,
  );
  expect(whole).toEqual({
    ...CALM,
    broker: { pid: 60, fds: 35, bytes: 102_400 },
    cgroups: 4,
    zombies: ["7 a b"],
    errors: [ERROR],
    control: undefined,
  });
});

test("whatever is printed, a sample has numbers and texts", () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      const { mounts, loops, cgroups } = parseSample(text, undefined);
      for (const value of [mounts, loops, cgroups]) expect(Number.isNaN(value)).toBe(false);
    }),
  );
});
