import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findProgram } from "../engine/programs.ts";
import { FIGURES, SUITES } from "./figures.ts";
import { measure } from "./measure.ts";
import { usageOf } from "./process-usage.ts";
import { openTestbed } from "./testbed.ts";
import type { Testbed } from "./testbed.ts";

const programs = ["cc", "dbus-daemon", "unshare"];
/** Figures that may be zero: violations, and CPU time, which is counted in steps of 10 ms. */
const MAY_BE_ZERO = ["violations", "cpu", "connectionCpu", "eventCpu"];
const isPossible = process.getuid?.() === 0 && programs.every((name) => findProgram(name));

describe.skipIf(!isPossible)(`the loads (need root, ${programs.join(", ")})`, () => {
  const stack = new AsyncDisposableStack();
  const { signal } = new AbortController();
  let bed: Testbed;

  beforeAll(async () => {
    bed = await openTestbed(stack, signal);
  }, 60_000);
  afterAll(() => stack.disposeAsync());

  test.each(SUITES)("of %s give every figure of the broker", async (suite) => {
    const target = {
      ...{ name: "broker", path: bed.planted(suite), provider: bed.provider(suite) },
      pid: bed.broker.pid,
    };
    const sample = await measure(suite, target, { programs: bed.programs, duration: 20, signal });
    const names = FIGURES.filter((figure) => figure.suite === suite).map(({ name }) => name);
    expect(Object.keys(sample).sort()).toEqual(names.sort());
    for (const name of names) {
      if (!MAY_BE_ZERO.includes(name)) expect(sample[name], name).toBeGreaterThan(0);
    }
  });

  test("notice a relay that does not say who asks", async () => {
    // The provider itself acts as the relay, so the identity that the consumer forged reaches it.
    const provider = bed.provider("rest");
    const target = { name: "direct", path: provider, provider, pid: process.pid };
    const sample = await measure("rest", target, { programs: bed.programs, duration: 20, signal });
    expect(sample["violations"]).toBeGreaterThan(0);
  });
});

test("what a process and those below it have used is more than nothing", () => {
  const { cpu, rss } = usageOf(process.pid);
  expect(cpu).toBeGreaterThan(0);
  expect(rss).toBeGreaterThan(10);
});
