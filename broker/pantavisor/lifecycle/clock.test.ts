import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { parseTimeScale, systemClock } from "./clock.ts";

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

it("a scaled clock waits so many times shorter and counts so many times faster", () => {
  const clock = systemClock(100);
  const start = clock.now();
  const fired = vi.fn();
  clock.after(5000, fired);
  vi.advanceTimersByTime(49);
  expect(fired).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  expect(fired).toHaveBeenCalledOnce();
  expect(clock.now() - start).toBeCloseTo(5000);
});

it("a timer that setTimeout fires too early waits for the rest", () => {
  const fired = vi.fn();
  systemClock(64).after(5000, fired); // 78.125 ms
  vi.advanceTimersByTime(78);
  expect(fired).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  expect(fired).toHaveBeenCalledOnce();
});

it("a cancelled timer does not fire", () => {
  const fired = vi.fn();
  systemClock().after(10, fired).cancel();
  vi.advanceTimersByTime(100);
  expect(fired).not.toHaveBeenCalled();
});

it("a wait longer than setTimeout knows is not over at once", () => {
  const fired = vi.fn();
  systemClock().after(2 ** 40, fired);
  vi.advanceTimersByTime(1000);
  expect(fired).not.toHaveBeenCalled();
});

it.each([
  [undefined, 1],
  ["", 1],
  ["100", 100],
  ["2.5", 2.5],
])("the time scale %s is %s", (text, scale) => {
  expect(parseTimeScale(text)).toBe(scale);
});

it.each(["0", "-1", "fast", "0.5", "1e9"])("the time scale %s is refused", (text) => {
  expect(() => parseTimeScale(text)).toThrow("PVH_TIME_SCALE");
});
