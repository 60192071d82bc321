import { setTimeout as delay } from "node:timers/promises";
import { afterEach, expect, test } from "vitest";
import { PvhError } from "../errors.ts";
import { throughout } from "../throughout.ts";
import { until } from "../until.ts";
import { clock, Clock } from "./clock.ts";
import { MOST_STRETCH } from "./deadline.ts";
import { readMachine } from "./machine-reading.ts";

afterEach(() => {
  clock.scale = 1;
});

/** A clock of a machine whose time is set by hand; `busy` threads can run on two cores. */
function handClock(busy: number) {
  let wall = 0;
  let waited = 0;
  const machine = { own: 0, runnable: busy, stolen: 0, ticks: 0 };
  const made = new Clock(() => ({ ...machine, wall, waited }), 2);
  const pass = (ms: number): void => {
    for (let step = 0; step < ms; step += 100) {
      wall += 100;
      if (busy > 2) waited += 100;
      made.given();
    }
  };
  return { made, pass };
}

test("on an idle machine a deadline is over when its time has passed", () => {
  const { made, pass } = handClock(1);
  using deadline = made.deadline(1_000);
  pass(900);
  expect(deadline.over).toBe(false);
  pass(100);
  expect(deadline.over).toBe(true);
  expect(deadline.error("waited")).toMatchObject({ code: "PVH_TIMEOUT", message: "waited" });
});

test("a target that does not divide its waits gets that much longer, and no longer for being slow as well", () => {
  const { made, pass } = handClock(1);
  made.pace = 4;
  made.division = 50;
  using deadline = made.deadline(100 * made.patience);
  pass(4_900);
  expect(deadline.over).toBe(false);
  pass(100);
  expect(deadline.over).toBe(true);
});

test("on a busy machine it is over when its time was given, and then says what the machine gave", () => {
  const { made, pass } = handClock(8);
  using deadline = made.deadline(1_000);
  pass(3_900);
  expect(deadline.over).toBe(false);
  pass(100);
  expect(deadline.over).toBe(true);
  expect(deadline.error("waited")).toMatchObject({
    code: "PVH_TIMEOUT",
    class: "product",
    message: "waited (the machine gave 25 % of 4000 ms)",
  });
});

test("on a machine that gives nearly nothing it is over all the same, and nobody's fault", () => {
  const { made, pass } = handClock(100);
  using deadline = made.deadline(1_000);
  pass(MOST_STRETCH * 1_000 - 100);
  expect(deadline.over).toBe(false);
  pass(100);
  expect(deadline.over).toBe(true);
  expect(deadline.error("waited")).toMatchObject({ code: "PVH_STARVED", class: "infra" });
});

test("the scale multiplies every deadline and what programs wait, and a watch is as long as ever", async () => {
  const { made, pass } = handClock(4);
  made.scale = 3;
  expect(made.deadline(100).ms).toBe(300);
  pass(60_000);
  expect(made.stretch()).toBeCloseTo(6, 0);

  clock.scale = 20;
  const watch = clock.stopwatch();
  await throughout(100, () => undefined, { signal: new AbortController().signal });
  expect(watch.given).toBeLessThan(1_000);
  clock.scale = 0.01;
  await expect(until("it", () => false, { timeout: 10_000 })).rejects.toMatchObject({
    code: "PVH_TIMEOUT",
    message: expect.stringContaining("waited 100 ms for it") as string,
  });
});

test("programs never wait longer than the wall's limit allows a deadline", () => {
  const { made, pass } = handClock(1_000);
  pass(60_000);
  expect(made.stretch()).toBe(MOST_STRETCH);
});

test("the signal fires with the reason, and not once it is disposed of", async () => {
  using deadline = clock.deadline(30);
  const disposed = clock.deadline(30);
  disposed[Symbol.dispose]();
  await new Promise((resolve) => deadline.signal.addEventListener("abort", resolve));
  expect(deadline.signal.reason).toBeInstanceOf(PvhError);
  await delay(50);
  expect(disposed.signal.aborted).toBe(false);
});

test("a loop that burns its own time does not stretch its deadline", async () => {
  const own = new Clock(() => ({ ...readMachine(), runnable: 1, waited: 0 }), 2);
  const watch = own.stopwatch();
  await delay(20);
  const end = process.threadCpuUsage().user + 400_000;
  while (process.threadCpuUsage().user < end);
  await delay(20);
  // The rest of the wall's time is what others took meanwhile.
  expect(watch.given).toBeGreaterThan(390);
});

test("time before the first deadline was not taken from anybody", async () => {
  const own = new Clock(() => ({ ...readMachine(), runnable: 1, waited: 0, stolen: 0 }), 2);
  await delay(400);
  own.deadline(10)[Symbol.dispose]();
  expect(own.stretch()).toBe(1);
});
