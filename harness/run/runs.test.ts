import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
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

test("pruning keeps the newest, links, and a run without an end for an hour", () => {
  const killed = "20261030T000000Z-dddddd";
  const going = "20261031T000000Z-eeeeee";
  const { base, folder } = runs(OLD, NEW);
  for (const name of [killed, going]) {
    mkdirSync(join(folder, name));
    writeFileSync(join(folder, name, "events.jsonl"), "");
  }
  const now = Date.now();
  utimesSync(
    join(folder, killed, "events.jsonl"),
    (now - 2 * HOUR) / 1000,
    (now - 2 * HOUR) / 1000,
  );
  symlinkSync("/etc", join(folder, "20260101T000000Z-ffffff"));
  expect(pruneRuns(1, base, now).sort()).toEqual([killed, OLD].sort());
  expect(existsSync(join(folder, NEW)) && existsSync(join(folder, going))).toBe(true);
  expect(existsSync("/etc/passwd")).toBe(true);
});
