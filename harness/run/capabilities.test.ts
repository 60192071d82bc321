import { expect, test } from "vitest";
import { missingTimeScale } from "./capabilities.ts";

test.each([
  [undefined, false, undefined],
  [1, false, undefined],
  [50, true, undefined],
  [50, false, "needs time-scale: only the reference divides its waits by 50"],
])("time scale %s on the reference: %s misses %s", (timeScale, reference, missing) => {
  expect(missingTimeScale(timeScale, { reference })).toBe(missing);
});
