import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { Args } from "./command.ts";
import { compareCommand } from "./compare.ts";

const summary = (verdict: string): string =>
  JSON.stringify({
    run: "x",
    image: "pvh:1",
    profile: "strict",
    scenarios: [
      { name: "s", checks: [{ id: "c", verdict, message: "a \u001b[31mred\u001b[0m reason" }] },
    ],
  });

const events = [
  {
    type: "run.started",
    run: "k",
    command: [],
    image: "i",
    profile: "strict",
    quirks: [],
    selected: ["s"],
    seed: 1,
    host: {},
  },
  {
    type: "scenario.started",
    scenario: "s",
    suite: "u",
    summary: "",
    checks: [{ id: "c", title: "t" }],
    file: "f",
    attempt: 1,
  },
  { type: "check.finished", scenario: "s", check: "c", title: "t", verdict: "passed", ms: 1 },
].map((event) => JSON.stringify({ v: 1, t: 1, ...event }));

/** A working directory with the runs `good`, `bad` and `killed`, which has only events. */
function workingDirectory(): string {
  const folder = mkdtempSync(join(tmpdir(), "compare-"));
  for (const run of ["good", "bad", "killed"])
    mkdirSync(join(folder, ".pvh/runs", run), { recursive: true });
  writeFileSync(join(folder, ".pvh/runs/good/summary.json"), summary("passed"));
  writeFileSync(join(folder, ".pvh/runs/bad/summary.json"), summary("failed"));
  writeFileSync(join(folder, ".pvh/runs/killed/events.jsonl"), events.join("\n"));
  process.chdir(folder);
  return folder;
}

const home = process.cwd();
afterEach(() => {
  process.chdir(home);
});

async function compare(...words: string[]): Promise<{ exitCode: number; text: string }> {
  const data: string[] = [];
  const out = { data: (text: string) => void data.push(text), say: () => undefined };
  const call = { args: new Args(words, {}), out, signal: new AbortController().signal };
  const exitCode = await Promise.resolve().then(() => compareCommand(call as never));
  return { exitCode, text: data.join("\n") };
}

test("a run that judges worse is exit 1, and its reason cannot act in a terminal", async () => {
  const folder = workingDirectory();
  const { exitCode, text } = await compare(join(folder, ".pvh/runs/good"), "bad");
  expect(exitCode).toBe(1);
  expect(text).toContain("passed -> failed  broken");
  expect(text).not.toContain("\u001b");
  expect((await compare("bad", ".pvh/runs/good/summary.json")).exitCode).toBe(0);
});

test("a run that was killed is compared by its events", async () => {
  workingDirectory();
  expect((await compare("killed", "bad")).text).toContain("1 broken");
});

test.each([
  ["what is no run", "nowhere", "nowhere is no run"],
  ["a summary that is cut", "cut", "cut/summary.json is no summary of a run"],
  ["a summary of something else", "other", "other/summary.json is no summary of a run"],
])("%s is the user's mistake", async (_what, word, message) => {
  const folder = workingDirectory();
  for (const [run, text] of [
    ["cut", '{"run": '],
    ["other", '{"checks": []}'],
  ] as const) {
    mkdirSync(join(folder, ".pvh/runs", run));
    writeFileSync(join(folder, ".pvh/runs", run, "summary.json"), text);
  }
  await expect(compare("good", word)).rejects.toMatchObject({
    code: "PVH_USAGE",
    message: expect.stringContaining(message) as string,
  });
});
