import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { formerDurations } from "./former-durations.ts";

test("a folder without runs tells nothing", () => {
  expect(formerDurations(newBase())).toEqual({ checks: new Map(), quirks: new Map() });
});

test("the latest run in which a check passed tells its duration", () => {
  const base = newBase();
  record(base, "20260101T000000Z-a", { checks: [check("a", 1), check("b", 2)] });
  record(base, "20260102T000000Z-b", { checks: [check("a", 10), check("b", 20, "failed")] });
  symlinkSync("20260101T000000Z-a", join(base, ".pvh/runs/latest"));
  expect(formerDurations(base).checks).toEqual(
    new Map([
      ["a", 10],
      ["b", 2],
    ]),
  );
});

test("the part of a run that was made under one quirk, to its end, tells the quirk's duration", () => {
  const base = newBase();
  record(base, "20260101T000000Z-a/whole", { quirks: ["whole"], ms: 7 });
  record(base, "20260101T000000Z-a/cut", { quirks: ["cut"], ms: 8, interrupted: "SIGINT" });
  record(base, "20260102T000000Z-b/two", { quirks: ["whole", "two"], ms: 9 });
  expect(formerDurations(base).quirks).toEqual(new Map([["whole", 7]]));
});

test("a summary that cannot be read is passed over", () => {
  const base = newBase();
  record(base, "20260101T000000Z-a", { checks: [check("a", 1)] });
  record(base, "20260102T000000Z-b", {});
  writeFileSync(join(base, ".pvh/runs/20260102T000000Z-b/summary.json"), "{");
  expect(formerDurations(base).checks).toEqual(new Map([["a", 1]]));
});

function newBase(): string {
  return mkdtempSync(join(tmpdir(), "former-"));
}

function check(id: string, ms: number, verdict = "passed"): object {
  return { id, verdict, ms };
}

function record(
  base: string,
  run: string,
  {
    checks = [],
    ...more
  }: { checks?: object[]; quirks?: string[]; ms?: number; interrupted?: string },
): void {
  const folder = join(base, ".pvh/runs", run);
  mkdirSync(folder, { recursive: true });
  const summary = { quirks: [], ms: 0, scenarios: [{ checks }], ...more };
  writeFileSync(join(folder, "summary.json"), JSON.stringify(summary));
}
