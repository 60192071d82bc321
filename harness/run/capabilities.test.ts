import { expect, test } from "vitest";
import { missingJudgement, missingTimeScale } from "./capabilities.ts";

test.each([
  [undefined, false, undefined],
  [1, false, undefined],
  [50, true, undefined],
  [50, false, "needs time-scale: only the reference divides its waits by 50"],
])("time scale %s on the reference: %s misses %s", (timeScale, reference, missing) => {
  expect(missingTimeScale(timeScale, { reference })).toBe(missing);
});

test("in its own time an image misses no time scale", () => {
  expect(missingTimeScale(50, { reference: false, ownTime: true })).toBeUndefined();
});

test("with the reference's broker a check of the image's Pantavisor is not judged", () => {
  const row = { judges: "pantavisor" } as const;
  expect(missingJudgement(row, { broker: "reference" })).toBe(
    "judges the image's Pantavisor, not the broker",
  );
  expect(missingJudgement(row, {})).toBeUndefined();
  expect(missingJudgement({}, { broker: "reference" })).toBeUndefined();
});
