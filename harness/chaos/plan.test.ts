import { expect, test } from "vitest";
import { DISTURBANCES, planRounds } from "./plan.ts";

const options = { seed: 7, rounds: 100, duration: 5_000, load: 30, only: DISTURBANCES };

test("a seed gives the same rounds again, another one gives others", () => {
  expect(planRounds(options)).toEqual(planRounds(options));
  expect(planRounds({ ...options, seed: 8 })).not.toEqual(planRounds(options));
});

test("every disturbance comes, with and without load, over the whole run", () => {
  const rounds = planRounds(options);
  expect(new Set(rounds.map(({ disturbance }) => disturbance)).size).toBe(DISTURBANCES.length);
  expect(new Set(rounds.map(({ load }) => load))).toEqual(new Set([0, 30]));
  const moments = rounds.filter(({ load }) => load === 0).map(({ moment }) => moment);
  expect(Math.min(...moments)).toBeLessThan(1_000);
  expect(Math.max(...moments)).toBeGreaterThan(4_000);
  expect(Math.max(...moments)).toBeLessThanOrEqual(5_250);
});
