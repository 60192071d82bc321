import { existsSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { RUNS } from "../run/run-directory.ts";
import { tidyRuns } from "./tidy-runs.ts";

const before = process.cwd();
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "pvh-tidy-"));
  process.chdir(folder);
});

afterEach(() => {
  process.chdir(before);
  rmSync(folder, { recursive: true });
});

/** Runs that ended long ago, the oldest first. */
function makeRuns(count: number): string[] {
  return Array.from({ length: count }, (_, index) => {
    const run = `20260101T0000${String(index).padStart(2, "0")}Z-aaaaaa`;
    const made = join(RUNS, run);
    mkdirSync(made, { recursive: true });
    writeFileSync(join(made, "summary.json"), '{"exitCode":2}');
    for (const path of [join(made, "summary.json"), made]) utimesSync(path, 1, 1);
    return run;
  });
}

async function tidy(): Promise<string[]> {
  const say = vi.fn<(text: string) => void>();
  await tidyRuns({
    args: { text: () => undefined },
    out: { say },
  } as unknown as Parameters<typeof tidyRuns>[0]);
  return say.mock.calls.map(([text]) => text);
}

test("fifty runs stay; what goes is told in one line", async () => {
  const [oldest = "", next = ""] = makeRuns(51);
  expect(await tidy()).toEqual([
    `removed 1 old run of ${RUNS} (50 runs and 5120 MiB at most; \`runs\` in pvh.config.ts)`,
  ]);
  expect([existsSync(join(RUNS, oldest)), existsSync(join(RUNS, next))]).toEqual([false, true]);
});

test("the runs are looked at once in ten minutes", async () => {
  makeRuns(51);
  expect(await tidy()).toHaveLength(1);
  makeRuns(52);
  expect(await tidy()).toEqual([]);
  utimesSync(join(RUNS, ".looked"), 1, 1);
  expect(await tidy()).toHaveLength(1);
});

test("what goes wrong is told, and takes no verdict with it", async () => {
  writeFileSync("pvh.config.ts", "throw new Error('broken since the run began');");
  expect(await tidy()).toEqual([
    expect.stringMatching(
      /^old runs of \.pvh\/runs were not removed: .*broken since the run began/,
    ),
  ]);
});
