import { existsSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { RUNS } from "../run/run-directory.ts";
import { tidyRuns } from "./tidy-runs.ts";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "pvh-tidy-"));
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

/** Runs that ended long ago, the oldest first. */
function makeRuns(count: number): string[] {
  return Array.from({ length: count }, (_, index) => {
    const run = `20260101T0000${String(index).padStart(2, "0")}Z-aaaaaa`;
    const made = join(folder, RUNS, run);
    mkdirSync(made, { recursive: true });
    writeFileSync(join(made, "summary.json"), '{"exitCode":2}');
    for (const path of [join(made, "summary.json"), made]) utimesSync(path, 1, 1);
    return run;
  });
}

async function tidy(projectOf = (): Promise<undefined> => Promise.resolve(undefined)) {
  const say = vi.fn<(text: string) => void>();
  const call = { args: { text: () => undefined }, out: { say } };
  await tidyRuns(call as unknown as Parameters<typeof tidyRuns>[0], { base: folder, projectOf });
  return say.mock.calls.map(([text]) => text);
}

test("fifty runs stay; what goes is told in one line", async () => {
  const [oldest = "", next = ""] = makeRuns(51);
  expect(await tidy()).toEqual([
    `removed 1 old run of ${RUNS} (50 runs and 5120 MiB at most; \`runs\` in pvh.config.ts)`,
  ]);
  expect([existsSync(join(folder, RUNS, oldest)), existsSync(join(folder, RUNS, next))]).toEqual([
    false,
    true,
  ]);
});

test("the runs are looked at once in ten minutes", async () => {
  makeRuns(51);
  expect(await tidy()).toHaveLength(1);
  makeRuns(52);
  expect(await tidy()).toEqual([]);
  utimesSync(join(folder, RUNS, ".looked"), 1, 1);
  expect(await tidy()).toHaveLength(1);
});

test("what goes wrong is told, and takes no verdict with it", async () => {
  const broken = (): Promise<never> => Promise.reject(new Error("it is broken"));
  expect(await tidy(broken)).toEqual([`old runs of ${RUNS} were not removed: it is broken`]);
});
