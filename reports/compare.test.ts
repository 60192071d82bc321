import { expect, test } from "vitest";
import { compareRuns, comparisonText, isWorse } from "./compare.ts";

const run = (verdicts: Readonly<Record<string, string>>) => ({
  scenarios: [
    {
      name: "s",
      checks: Object.entries(verdicts).map(([id, verdict]) => ({
        id,
        verdict,
        ...(verdict === "passed" ? {} : { message: `${id} is ${verdict}` }),
      })),
    },
  ],
});

test.each([
  ["passed", "passed", "same", false],
  ["failed", "failed", "same", false],
  ["passed", "failed", "broken", true],
  ["skipped", "failed", "broken", true],
  [undefined, "failed", "broken", true],
  ["passed", "skipped", "not judged", true],
  ["failed", "skipped", "not judged", true],
  ["passed", undefined, "not judged", true],
  ["failed", "passed", "mended", false],
  ["skipped", "passed", "judged", false],
  [undefined, "passed", "judged", false],
  ["skipped", undefined, "same", false],
  [undefined, "skipped", "same", false],
])("%s, then %s: %s", (before, after, change, worse) => {
  const of = (verdict: string | undefined) => run(verdict === undefined ? {} : { c: verdict });
  const [compared] = compareRuns(of(before), of(after));
  expect(compared).toMatchObject({ scenario: "s", check: "c", change });
  expect(compared !== undefined && isWorse(compared)).toBe(worse);
});

test("the table has what differs, with the reason, and the last line counts", () => {
  const compared = compareRuns(
    run({ a: "passed", b: "passed", c: "failed", d: "passed" }),
    run({ a: "passed", b: "failed", c: "passed" }),
  );
  expect(comparisonText(compared).split("\n")).toEqual([
    "CHECK  SCENARIO  VERDICT           CHANGE      WHY",
    "b      s         passed -> failed  broken      b is failed",
    "c      s         failed -> passed  mended",
    "d      s         passed -> absent  not judged",
    "",
    "1 broken, 1 not judged, 1 mended, 0 judged, 1 same",
  ]);
  expect(comparisonText(compareRuns(run({ a: "passed" }), run({ a: "passed" })))).toBe(
    "0 broken, 0 not judged, 0 mended, 0 judged, 1 same",
  );
});
