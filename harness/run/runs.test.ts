import { execFile, execFileSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { listedRuns, pruneRuns } from "./runs.ts";

const HOUR = 3_600_000;

function runs(...names: readonly string[]) {
  const base = mkdtempSync(join(tmpdir(), "pvh-runs-"));
  const folder = join(base, ".pvh/runs");
  for (const name of names) {
    mkdirSync(join(folder, name), { recursive: true });
    writeFileSync(join(folder, name, "events.jsonl"), "");
    const checks = { passed: 3, failed: 1, skipped: 0 };
    const summary = { exitCode: 1, checks, ms: 1_500, image: "pv:1" };
    writeFileSync(join(folder, name, "summary.json"), JSON.stringify(summary));
  }
  return { base, folder };
}

const OLD = "20261101T000000Z-aaaaaa";
const NEW = "20261102T000000Z-bbbbbb";

test("runs are listed from their summaries, the newest first, and what is no run is not", () => {
  const { base, folder } = runs(OLD, NEW);
  symlinkSync(NEW, join(folder, "latest"));
  symlinkSync("/etc", join(folder, "20261103T000000Z-cccccc"));
  mkdirSync(join(folder, "notes"));
  expect(listedRuns(base)).toMatchObject([
    { run: NEW, exitCode: 1, passed: 3, failed: 1, ms: 1_500 },
    { run: OLD },
  ]);
  expect(listedRuns(join(base, "nowhere"))).toEqual([]);
});

const at = (day: number, rest = "aaaaaa"): string =>
  `202611${String(day).padStart(2, "0")}T000000Z-${rest}`;
/** So late that no run here is being written. */
const LATER = Date.now() + 2 * HOUR;

function summary(folder: string, run: string, exitCode: number): void {
  writeFileSync(join(folder, run, "summary.json"), JSON.stringify({ exitCode }));
}

test("what is above the number goes, the oldest first, but for the newest good one and the newest failed one", () => {
  const names = [6, 5, 4, 3, 2, 1].map((day) => at(day));
  const { base, folder } = runs(...names);
  for (const day of [6, 5, 3, 1]) summary(folder, at(day), 2);
  summary(folder, at(2), 0);
  expect(pruneRuns({ most: 2 }, { base, now: LATER })).toEqual([at(3), at(1)]);
  expect(readdirSync(folder).sort()).toEqual([at(2), at(4), at(5), at(6)]);
  expect(pruneRuns({ most: 2 }, { base, now: LATER })).toEqual([]);
});

test("what is above the bytes goes, and the newest run stays whatever its size", () => {
  const { base, folder } = runs(at(3), at(2), at(1));
  for (const day of [1, 2, 3]) {
    summary(folder, at(day), 2);
    mkdirSync(join(folder, at(day), "a/logs"), { recursive: true });
    writeFileSync(join(folder, at(day), "a/logs/console.log"), Buffer.alloc(1_000));
  }
  expect(pruneRuns({ most: 9, bytes: 2_500 }, { base, now: LATER })).toEqual([at(1)]);
  expect(pruneRuns({ most: 9, bytes: 500 }, { base, now: LATER })).toEqual([at(2)]);
  expect(readdirSync(folder)).toEqual([at(3)]);
});

test("a run that a link names stays, and one that is in use", () => {
  const { base, folder } = runs(at(4), at(3), at(2), at(1));
  for (const day of [1, 2, 3, 4]) summary(folder, at(day), 2);
  symlinkSync(at(1), join(folder, "release-7"));
  symlinkSync("nowhere", join(folder, "latest"));
  const uses = [join(folder, at(2), "summary.json")];
  expect(pruneRuns({ most: 1 }, { base, now: LATER, uses })).toEqual([at(3)]);
});

test("a run that may still be written stays, in its parts too", () => {
  const { base, folder } = runs(at(5), at(4), at(3), at(2), at(1));
  for (const day of [1, 2, 3, 4, 5]) summary(folder, at(day), 2);
  rmSync(join(folder, at(3), "summary.json"));
  rmSync(join(folder, at(2), "summary.json"));
  const long = (Date.now() - 3 * HOUR) / 1000;
  const age = (path: string): void => utimesSync(path, long, long);
  mkdirSync(join(folder, at(2), "image-2"));
  writeFileSync(join(folder, at(2), "image-2/events.jsonl"), "");
  for (const day of [1, 2, 3, 4]) {
    for (const name of readdirSync(join(folder, at(day)))) age(join(folder, at(day), name));
    age(join(folder, at(day)));
  }
  // The older one of two that were given up has just written into a part of it.
  utimesSync(join(folder, at(2), "image-2/events.jsonl"), Date.now() / 1000, Date.now() / 1000);
  writeFileSync(join(folder, at(1), "report.html"), "");
  expect(pruneRuns({ most: 1 }, { base })).toEqual([at(4), at(3)]);
});

test("nothing outside is touched, whatever is in the folder", () => {
  const { base, folder } = runs(at(5), at(4), at(2), at(1));
  const outside = mkdtempSync(join(tmpdir(), "pvh-outside-"));
  writeFileSync(join(outside, "precious"), "x");
  for (const day of [1, 2, 4]) summary(folder, at(day), 2);
  summary(folder, at(5), 2);
  symlinkSync(outside, join(folder, at(3)));
  symlinkSync(outside, join(folder, `.removed-${at(9)}`));
  symlinkSync(outside, join(folder, at(2), "logs"));
  symlinkSync("..", join(folder, at(2), "up"));
  rmSync(join(folder, at(1), "summary.json"));
  execFileSync("mkfifo", [join(folder, at(1), "summary.json")]);
  writeFileSync(join(folder, at(4), "summary.json"), '{"exitCode":{"length":1e9}}');
  mkdirSync(join(folder, `.removed-${at(8)}`, "deep"), { recursive: true });
  mkdirSync(join(folder, "20261106T000000Z-$(touch x)"));
  writeFileSync(join(folder, at(7)), "a file");
  expect(pruneRuns({ most: 1, bytes: 1 << 20 }, { base, now: LATER })).toEqual([
    at(4),
    at(2),
    at(1),
  ]);
  expect(readdirSync(folder).sort()).toEqual(
    ["20261106T000000Z-$(touch x)", at(3), at(5), at(7)].sort(),
  );
  expect(existsSync(join(outside, "precious"))).toBe(true);
});

test("two that prune at once remove each run once", async () => {
  const { base } = runs(...Array.from({ length: 28 }, (_, day) => at(day + 1)));
  const url = new URL("./runs.ts", import.meta.url).href;
  const program = `import { pruneRuns } from ${JSON.stringify(url)};
    const done = pruneRuns({ most: 1 }, { base: ${JSON.stringify(base)}, now: ${LATER} });
    console.log(JSON.stringify(done));`;
  const prune = () => promisify(execFile)(process.execPath, ["--input-type=module", "-e", program]);
  const done = (await Promise.all([prune(), prune()])).flatMap(
    ({ stdout }) => JSON.parse(stdout) as string[],
  );
  expect(new Set(done).size).toBe(27);
  expect(done).toHaveLength(27);
  expect(listedRuns(base)).toHaveLength(1);
});
