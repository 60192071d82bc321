import fc from "fast-check";
import { expect, test } from "vitest";
import { givenShare } from "./given-share.ts";
import { readMachine } from "./machine-reading.ts";
import type { MachineReading } from "./machine-reading.ts";

const IDLE: MachineReading = {
  wall: 0,
  own: 0,
  runnable: 1,
  waited: 0,
  stolen: 0,
  ticks: 0,
};

/** The share of 100 ms after which the readings differ in this. */
function shareOf(after: Partial<MachineReading>, before: Partial<MachineReading> = {}): number {
  const first = { ...IDLE, ...before };
  return givenShare(first, { ...first, wall: 100, ...after }, { cores: 2, due: 100 });
}

test("an idle machine gives all of the time", () => {
  expect(shareOf({ own: 3 })).toBe(1);
  expect(shareOf({ runnable: 2, own: 100 })).toBe(1);
});

test("eight threads on two cores get a quarter each, for as long as anybody waited", () => {
  expect(shareOf({ runnable: 8, waited: 100 }, { runnable: 8 })).toBe(0.25);
  expect(shareOf({ runnable: 8, waited: 40 }, { runnable: 8 })).toBeCloseTo(1 - 0.4 * 0.75);
});

test("the samples may miss who waited; the kernel's counter does not", () => {
  expect(shareOf({ waited: 100 })).toBeCloseTo(2 / 3);
});

test("a kernel without pressure counters is judged by its run queue", () => {
  expect(shareOf({ runnable: 4, waited: undefined }, { runnable: 4, waited: undefined })).toBe(0.5);
  const noReading = { runnable: undefined, waited: undefined, stolen: undefined, ticks: undefined };
  expect(shareOf(noReading, noReading)).toBe(1);
});

test("a timer that comes late was starved, unless the thread itself was busy", () => {
  const stopped = { ...IDLE, wall: 1_000 };
  const busy = { ...stopped, own: 900 };
  expect(givenShare(IDLE, stopped, { cores: 2, due: 100 })).toBeCloseTo(0.1);
  expect(givenShare(IDLE, busy, { cores: 2, due: 100 })).toBe(1);
});

test("what the hypervisor steals nobody was given", () => {
  expect(shareOf({ stolen: 15, ticks: 20 })).toBeCloseTo(0.25);
});

test("it is the least share where less than nothing was given in no time", () => {
  const none = { runnable: undefined, waited: undefined };
  const before = { ...none, wall: 0, own: 100.00000000000001, stolen: -5e-324, ticks: undefined };
  const after = { ...none, wall: 5e-324, own: 0, stolen: undefined, ticks: 5e-324 };
  expect(givenShare(before, after, { cores: 1, due: 100 })).toBe(0.01);
});

test("it is always a share, also where counters run backwards", () => {
  const number = fc.option(fc.double({ min: -1e9, max: 1e9, noNaN: true }), { nil: undefined });
  const reading = fc.record({
    wall: fc.double({ min: 0, max: 1e6, noNaN: true }),
    own: fc.double({ min: 0, max: 1e6, noNaN: true }),
    runnable: number,
    waited: number,
    stolen: number,
    ticks: number,
  });
  fc.assert(
    fc.property(reading, reading, fc.integer({ min: 1, max: 512 }), (before, after, cores) => {
      const share = givenShare(before, after, { cores, due: 100 });
      return share > 0 && share <= 1;
    }),
    { numRuns: Number(process.env["PVH_PROPERTY_RUNS"] ?? 10_000) },
  );
});

test("the machine's own files are read, and none has to be there", () => {
  const files: Record<string, string> = {
    "/proc/loadavg": "7.95 4.90 2.57 10/198 30796\n",
    "/proc/pressure/cpu":
      "some avg10=81.76 avg60=78.08 avg300=49.11 total=357500496\nfull total=0\n",
    "/proc/stat": "cpu  72132 13896 43106 88395 1005 0 929 7 0 0\ncpu0 1 1 1 1\n",
  };
  expect(readMachine((path) => files[path] ?? "")).toMatchObject({
    runnable: 10,
    waited: 357_500.496,
    stolen: 7,
    ticks: 72132 + 13896 + 43106 + 88395 + 1005 + 929 + 7,
  });
  const noReading = readMachine(() => {
    throw new Error("ENOENT");
  });
  expect(noReading).toMatchObject({ runnable: undefined, waited: undefined, ticks: undefined });
});
