import fc from "fast-check";
import { expect, test } from "vitest";
import type { RunEvent } from "./events.ts";
import { jsonWithoutCommands, withoutCommands } from "./ci-commands.ts";
import { githubAnnotations } from "./github.ts";
import { markdownSummary } from "./markdown.ts";
import { foldRun } from "./run-state.ts";
import { end, HOSTILE, record, SAMPLE, stage, start } from "./testdata/sample-run.ts";

const texts = fc.string({
  unit: fc.oneof(
    fc.constantFrom(
      "::",
      "##[",
      "##vso[",
      "\n",
      "\r",
      "%",
      ":",
      ",",
      "`",
      "```",
      " ",
      "\u001b",
      "|",
    ),
    fc.string({ unit: "binary", minLength: 1, maxLength: 1 }),
  ),
});

test("an annotation names the check, its file and its line, the product's first", () => {
  const failure = {
    class: "product",
    code: "PVH_ASSERT",
    message: "50 %\nof it: a, b",
    stack: "    at body (scenarios/unix/s.scenario.ts:12:3)",
  } as const;
  const events = [
    start("s", "unix", [
      ["x", "t"],
      ["y", "t"],
    ]),
    end("s", "x", "failed", { failure: { class: "infra", code: "PVH_ENGINE", message: "gone" } }),
    end("s", "y", "failed", { failure }),
    { type: "run.finished", ms: 1, exitCode: 1 } as const,
  ];
  expect(githubAnnotations(foldRun(record(events)))).toEqual([
    "::error file=scenarios/unix/s.scenario.ts,line=12,title=s > y::50 %25%0Aof it: a, b",
    "::error file=scenarios/unix/s.scenario.ts,title=s > x::gone",
    "::notice title=pvh::0 passed, 2 failed, 0 skipped; a check failed",
  ]);
});

test("there are never more than GitHub shows, and the last one tells of the rest", () => {
  const checks = Array.from({ length: 500 }, (_, index) => `c${index}`);
  const failure = { class: "product", code: "PVH_ASSERT", message: "x" } as const;
  const events = [
    start(
      "s",
      "unix",
      checks.map((id) => [id, "t"] as const),
    ),
    stage("s", "container", 200),
    ...checks.map((id) => end("s", id, "failed", { failure })),
  ];
  const lines = githubAnnotations(foldRun(record(events)));
  expect(lines.filter((line) => line.startsWith("::error"))).toHaveLength(9);
  expect(lines).toContain("::error::492 more failures are in the summary");
});

test("a flaky scenario is a warning", () => {
  expect(githubAnnotations(foldRun(record(SAMPLE)))).toContain(
    "::warning file=scenarios/unix/flaky.scenario.ts,title=flaky::flaky passed only after a retry",
  );
});

test("whatever texts hold, each line is one annotation of ours", () => {
  fc.assert(
    fc.property(texts, texts, (message, title) => {
      const failure = { class: "product", code: "PVH_ASSERT", message, hint: title } as const;
      const lines = githubAnnotations(
        foldRun(
          record([start(title, "u", [["a", title]]), end(title, "a", "failed", { failure })]),
        ),
      );
      expect(lines).toHaveLength(2);
      for (const line of lines) expect(line).toMatch(/^::(error|notice) [^:\r\n]+::[^\r\n]*$/);
    }),
  );
});

test("no line of the terminal is a command of a CI, and JSON stays what it was", () => {
  fc.assert(
    fc.property(texts, (text) => {
      expect(withoutCommands(text)).not.toMatch(/^\s*::|##\w*\[/m);
      const json = jsonWithoutCommands(JSON.stringify({ text }));
      expect(json).not.toMatch(/##\w*\[/);
      expect(JSON.parse(json)).toEqual({ text });
    }),
  );
});

test("the summary shows texts of containers as code, and ends where GitHub would drop it", () => {
  const summary = markdownSummary(foldRun(record(SAMPLE)), ".pvh/runs/x");
  expect(summary).toContain("## pvh: failed");
  expect(summary).toContain("npx pvh scenario dbus-roles");
  const outside = summary.replaceAll(/```[\s\S]*?```/g, "").replaceAll(/(`+)[^`]*\1/g, "");
  expect(HOSTILE).toContain("<b>");
  expect(outside).not.toMatch(/<b>|!\[|(?<!\\)@/);
  const checks = Array.from({ length: 2_000 }, (_, index) => `c${index}`);
  const failure = { class: "product", code: "PVH_ASSERT", message: "y".repeat(3_000) } as const;
  const many: RunEvent[] = [
    start(
      "s",
      "unix",
      checks.map((id) => [id, "t"] as const),
    ),
    stage("s", "container", 200),
    ...checks.map((id) => end("s", id, "failed", { failure })),
    { type: "scenario.finished", scenario: "s", verdict: "failed", ms: 1 },
  ];
  const long = markdownSummary(foldRun(record(many)), ".pvh/runs/x");
  expect(Buffer.byteLength(long)).toBeLessThan(1024 * 1024);
  expect(long).toMatch(/\*cut here: \d+ more parts are in the report\*\n$/);
});

test("no message closes its fence", () => {
  fc.assert(
    fc.property(texts, (message) => {
      const failure = { class: "product", code: "PVH_ASSERT", message } as const;
      const finished = {
        type: "scenario.finished",
        scenario: "s",
        verdict: "failed",
        ms: 1,
      } as const;
      const events = [
        start("s", "u", [["a", "t"]]),
        end("s", "a", "failed", { failure }),
        finished,
      ];
      const summary = markdownSummary(foldRun(record(events)), "x");
      let open = "";
      for (const line of summary.split("\n")) {
        const [fence = ""] = /^`{3,}/.exec(line) ?? [];
        if (open === "") open = fence;
        // CommonMark §4.5: as many backquotes as opened it, and nothing else, close it.
        else if (fence.length >= open.length && line.trim() === fence) open = "";
      }
      expect(open).toBe("");
      expect(summary.trimEnd()).toMatch(/\n```sh\n[^`]*\n```$/);
    }),
  );
});
