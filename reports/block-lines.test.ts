import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { blockLines, COLUMNS, WHOLE } from "./block-lines.ts";
import { blockMarkdown } from "./block-markdown.ts";
import { blocksOf } from "./failure-block.ts";
import type { FailureBlock } from "./failure-block.ts";
import type { Failure } from "./events.ts";
import { failureReport } from "./failure-report.ts";
import { noPaint } from "./paint.ts";
import { foldRun } from "./run-state.ts";
import { end, HOSTILE, record, SAMPLE, stage, start } from "./testdata/sample-run.ts";
import { width } from "./wrap-text.ts";

const TERMINAL = { paint: noPaint, columns: COLUMNS, most: 20 };

const FAILURE: Failure = {
  class: "product",
  code: "PVH_ASSERT",
  message: "uid of the connection at the provider's bus: 0 (root), promised 65534 (nobody)",
  fact: {
    what: "uid of the connection at the provider's bus",
    actual: "0 (root)",
    promised: "65534 (nobody)",
  },
  excerpt: {
    file: "scenarios/dbus/dbus-roles.scenario.ts",
    line: 92,
    from: 91,
    lines: ["  check(…", '      expect(await uid(), "uid").toBe(65534);', "    });"],
  },
  diagnoses: [],
};

function blockOf(failure: Failure, evidence: readonly string[] = []): FailureBlock {
  const planned = { id: "dbus.auth.bare", title: "a bare AUTH gains nothing" };
  const begun = start("dbus-roles", "dbus", []);
  const state = foldRun(
    record([
      ...SAMPLE.slice(0, 1),
      {
        ...begun,
        checks: [
          { ...planned, promise: "a bare `AUTH EXTERNAL` gains nothing", source: "X: limits" },
        ],
      },
      stage("dbus-roles", "container", 200),
      end("dbus-roles", planned.id, "failed", { failure }),
      ...evidence.map((path) => ({
        type: "evidence" as const,
        scenario: "dbus-roles",
        path,
        what: "a log",
      })),
      { type: "scenario.finished", scenario: "dbus-roles", verdict: "failed", ms: 1 },
    ]),
  );
  const [scenario] = state.scenarios.values();
  const [block] = scenario === undefined ? [] : blocksOf(state, scenario, ".pvh/runs/x");
  if (block === undefined) throw new Error("no block");
  return block;
}

describe("a block", () => {
  test("says check, fact and promise in its first lines, and how to repeat and to hold it", () => {
    expect(blockLines(blockOf(FAILURE), TERMINAL)).toEqual([
      "dbus-roles > dbus.auth.bare: a bare AUTH gains nothing",
      "  fact      uid of the connection at the provider's bus: 0 (root), promised",
      "            65534 (nobody)  [product PVH_ASSERT]",
      "  promise   a bare `AUTH EXTERNAL` gains nothing",
      "  source    X: limits",
      "  code      scenarios/dbus/dbus-roles.scenario.ts:92",
      "                91   check(…",
      '            >   92       expect(await uid(), "uid").toBe(65534);',
      "                93     });",
      "  diagnosis no known cause; pvh diagnose offers a rule for it",
      "  again     npx pvh scenario dbus-roles --image=pantavisor-appengine:1.0 \\",
      "            --quirk=no-half-close --boot=manual --seed=42",
      "  hold      npx pvh up --scenario dbus-roles --image=pantavisor-appengine:1.0 \\",
      "            --quirk=no-half-close --boot=manual",
    ]);
  });

  test("begins with a known cause and its fix", () => {
    const diagnoses = [
      {
        rule: "r",
        cause: "the broker closes early",
        fix: "send EOF on",
        source: "§6",
        evidence: [],
      },
      { rule: "s", cause: "a slow machine", fix: "wait", source: "§6", evidence: [] },
    ];
    const lines = blockLines(blockOf({ ...FAILURE, diagnoses }), TERMINAL);
    expect(lines[0]).toBe("cause: the broker closes early; fix: send EOF on");
    expect(lines).toContain("  or        a slow machine; fix: wait");
    expect(blockMarkdown(blockOf({ ...FAILURE, diagnoses }))).toMatch(
      /^\*\*`cause: the broker closes early; fix: send EOF on`\*\*/,
    );
  });

  test("of a wait says what was seen last, and what is missing", () => {
    const seen = { from: "GET /containers", lines: ["200 []"] };
    const wait = { missing: "the link", ms: 20, seen };
    const message = "waited 20 ms for the link";
    const failure = { class: "product", code: "PVH_TIMEOUT", message, wait } as const;
    expect(blockLines(blockOf(failure), TERMINAL)).toEqual(
      expect.arrayContaining([
        "  missing   the link",
        "  seen last GET /containers",
        "            | 200 []",
      ]),
    );
  });

  test("names evidence as one folder, the most telling files with their lines", () => {
    const block = blockOf(FAILURE, ["dbus-roles/boot.log", "dbus-roles/logs"]);
    expect(blockLines(block, TERMINAL)).toContain(
      "  evidence  .pvh/runs/x/dbus-roles/: boot.log and 1 more",
    );
    const quoted: FailureBlock = {
      ...block,
      evidence: {
        folder: "f",
        files: ["pantavisor.log"],
        telling: [
          { from: "pantavisor.log", lines: ["FATAL it"] },
          { from: "logs/0/api/lxc/console.log", lines: ["SyntaxError"] },
          { from: "boot.log", lines: ["ERROR third"] },
        ],
      },
    };
    expect(blockLines(quoted, TERMINAL).join("\n")).toContain(`
            | FATAL it
            logs/0/api/lxc/console.log
            | SyntaxError
`);
    expect(blockLines(quoted, TERMINAL).join("\n")).not.toContain("ERROR third");
  });

  test("cuts a diff in a terminal, at the first difference, and never in a file", () => {
    const diff = [...Array.from({ length: 50 }, (_, index) => `  same ${index}`), "- a", "+ b"];
    const fact = { what: "w", actual: "a", promised: "b", diff };
    const block = blockOf({ ...FAILURE, fact });
    const shown = blockLines(block, TERMINAL).join("\n");
    expect(shown).toContain("  same 48\n");
    expect(shown).not.toContain("same 47");
    const whole = blockLines(block, WHOLE).join("\n");
    for (const line of diff) expect(whole).toContain(line);
    expect(blockMarkdown(block)).toContain(diff.join("\n"));
  });
});

test("causes that the evidence shows later belong to the failure of their check", () => {
  const diagnosis = { rule: "r", cause: "it is late", fix: "wait", source: "s", evidence: [] };
  const telling = [{ from: "boot.log", lines: ["ERROR late"] }];
  const state = foldRun(
    record([
      start("s", "unix", [["a", "title"]]),
      end("s", "a", "failed", { failure: { ...FAILURE, diagnoses: undefined as never } }),
      { type: "evidence", scenario: "s", path: "s/containers.json", what: "w" },
      { type: "diagnosis", scenario: "s", check: "a", diagnoses: [diagnosis], telling },
      { type: "watch.violated", scenario: "s", watcher: "w", says: "many", value: 2, limit: 1 },
      { type: "scenario.finished", scenario: "s", verdict: "failed", ms: 1 },
    ]),
  );
  const [scenario] = state.scenarios.values();
  const [block] = scenario === undefined ? [] : blocksOf(state, scenario, "run");
  expect(block?.diagnoses).toEqual([diagnosis]);
  expect(block?.evidence).toEqual({
    folder: "run/s",
    files: ["boot.log", "containers.json"],
    telling,
  });
  expect(scenario?.attempts[0]?.notes).toEqual(["watcher w: many"]);
});

const hostileText = fc.string({
  unit: fc.oneof(
    fc.constantFrom("\u001b[2J", "\u009b1m", "```", "`", "\u202e", "\u0000", "\n", "漢", "<", "|"),
    fc.string({ unit: "binary", minLength: 1, maxLength: 1 }),
  ),
  maxLength: 300,
});

test("whatever a failure holds, its block fits 80 columns and no byte of it acts", () => {
  fc.assert(
    fc.property(hostileText, hostileText, fc.array(hostileText), (message, text, lines) => {
      const quote = { from: text, lines };
      const block = blockOf({
        ...FAILURE,
        message,
        hint: text,
        fact: { what: text, actual: text, promised: text, diff: lines },
        wait: { missing: text, ms: 1, seen: quote },
        quotes: [quote],
        diagnoses: [{ rule: "r", cause: text, fix: message, source: "s", evidence: [quote] }],
      });
      const shown = blockLines(block, TERMINAL);
      for (const line of shown) expect(width(line)).toBeLessThanOrEqual(80);
      const all = [...shown, ...blockLines(block, WHOLE), blockMarkdown(block)].join("\n");
      expect(all).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202e]/);
    }),
  );
});

test("in Markdown, text of a container stays inside of its code", () => {
  fc.assert(
    fc.property(hostileText, (text) => {
      const page = blockMarkdown(blockOf({ ...FAILURE, message: `${text}\n${text}` }));
      expect(outsideOfCode(page)).not.toMatch(/[<|]/);
    }),
  );
  expect(outsideOfCode(blockMarkdown(blockOf({ ...FAILURE, message: HOSTILE })))).not.toContain(
    "<b>",
  );
});

/** The page without fenced blocks and code spans, as CommonMark §4.5 and §6.1 define them. */
function outsideOfCode(page: string): string {
  const lines: string[] = [];
  let fence: string | undefined;
  for (const line of page.split("\n")) {
    if (fence !== undefined) {
      if (line === fence) fence = undefined;
    } else if (/^`{3,}[a-z]*$/.test(line)) fence = line.replace(/[a-z]*$/, "");
    else lines.push(line.replace(/(`+)(?!`)(?:[^`]|(?!\1(?!`))`+)*?\1(?!`)/g, ""));
  }
  return lines.join("\n");
}

test("a failure that the run and each of its checks share is told once", () => {
  const engine: Failure = { class: "infra", code: "PVH_ENGINE", message: "the engine is away" };
  const state = foldRun(
    record([
      { type: "failure", where: "preparation", failure: engine },
      start("a", "unix", [
        ["a.1", "it works"],
        ["a.2", "it works too"],
      ]),
      end("a", "a.1", "failed", { failure: engine }),
      end("a", "a.2", "failed", { failure: { ...engine, message: "another" } }),
      { type: "scenario.finished", scenario: "a", verdict: "failed", ms: 1 },
    ]),
  );
  const lines = failureReport(state, "x", WHOLE);
  expect(lines.filter((line) => line.includes("the engine is away"))).toHaveLength(1);
  expect(lines.some((line) => line.includes("another"))).toBe(true);
});
