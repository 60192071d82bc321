import fc from "fast-check";
import { expect, test } from "vitest";
import { clueOf, failureClue } from "./clue.ts";
import { diagnose } from "./diagnose.ts";
import type { DiagnosisRule } from "./rule.ts";
import { RULES } from "./rules.ts";
import { ruleSkeleton } from "./skeleton.ts";
import { tellingLines } from "./telling-lines.ts";

const JOINED: DiagnosisRule = {
  id: "joined",
  cause: "{name} is {status}",
  shows: [
    { in: "graph", line: '"consumer":"(?<name>[^"]+)"' },
    { in: "containers", line: '"name":"{name}".*"status":"(?<status>STOPPED)"' },
  ],
  unless: [{ in: "console", line: "{name} is fine" }],
  fix: "start {name}",
  source: "s",
};
const GRAPH = clueOf("graph.json", '[{"consumer":"a.b"},{"consumer":"c"}]');
const STOPPED = clueOf(
  "containers.json",
  '[{"name":"axb","status":"STOPPED"},{"name":"c","status":"STOPPED"}]',
);

test("a value of one line holds in the others, as text and not as a pattern", () => {
  expect(diagnose([JOINED], [GRAPH, STOPPED])).toEqual([
    {
      rule: "joined",
      cause: "c is STOPPED",
      fix: "start c",
      source: "s",
      evidence: [
        { from: "graph.json", lines: ['{"consumer":"c"}'] },
        { from: "containers.json", lines: ['{"name":"c","status":"STOPPED"}'] },
      ],
    },
  ]);
});

test("what denies a rule keeps it quiet", () => {
  const fine = clueOf("x/console.log", "c is fine");
  expect(diagnose([JOINED], [GRAPH, STOPPED, fine])).toEqual([]);
});

test("a file from elsewhere is known by its content", () => {
  expect(clueOf("a.txt", '[{"consumer":"c","consumer_pid":0}]').kind).toBe("graph");
  expect(clueOf("docker.txt", "[pvtest] 1 INFO -- [pv-appengine]: launching").kind).toBe(
    "boot.log",
  );
  expect(clueOf("x.log", "[pantavisor] 12 INFO\t -- [state]: x").kind).toBe("pantavisor.log");
  expect(clueOf("whatever", "hello").kind).toBe("console");
});

const WORDS = [
  "suddenly stopped",
  "ERROR",
  "export x cannot be added:",
  "{name}",
  "'",
  '"',
  "(",
  "\\",
];
const anyText = fc
  .array(fc.oneof(fc.constantFrom(...WORDS), fc.string({ maxLength: 40 })), { maxLength: 60 })
  .map((parts) => parts.join(" "));

test("whatever evidence holds, the rules end, and soon", () => {
  fc.assert(
    fc.property(anyText, anyText, (log, failure) => {
      const clues = [
        clueOf("pantavisor.log", log),
        clueOf("graph.json", log),
        clueOf("c/console.log", log.repeat(50)),
        failureClue(failure),
      ];
      const begun = performance.now();
      for (const { cause, fix } of diagnose(RULES, clues)) {
        expect(cause.length).toBeLessThan(2_500);
        expect(fix).not.toBe("");
      }
      expect(performance.now() - begun).toBeLessThan(500);
      expect(tellingLines(clues).length).toBeLessThan(6);
    }),
  );
});

test("10 MB on one line cost no time", () => {
  const begun = performance.now();
  diagnose(RULES, [
    clueOf("console.log", "' (' ".repeat(2_000_000)),
    failureClue("EOF: ".repeat(2_000_000)),
  ]);
  expect(performance.now() - begun).toBeLessThan(2_000);
});

test("without a known cause there is a rule to complete, filled with the evidence", () => {
  const clues = [
    failureClue("waited 20 ms for the link"),
    clueOf("pantavisor.log", "[pantavisor] 12 WARN\t -- [x]: pid 1234 (a) failed"),
  ];
  expect(diagnose(RULES, clues)).toEqual([]);
  const skeleton = ruleSkeleton(clues);
  expect(skeleton).toContain(String.raw`{ in: "failure", line: "waited \\d+ ms for the link" }`);
  expect(skeleton).toContain(
    String.raw`{ in: "pantavisor.log", line: "\\[x\\]: pid \\d+ \\(a\\) failed" }`,
  );
});

test("the most telling file comes first, with its last lines", () => {
  const clues = [
    clueOf("c/lxc/console.log", "fine\nTraceback (most recent call last)"),
    clueOf(
      "logs/pantavisor.log",
      "[pantavisor] 1 INFO\t -- [x]: fine\n[pantavisor] 1 ERROR\t -- [x]: bad",
    ),
  ];
  expect(tellingLines(clues)).toEqual([
    { from: "logs/pantavisor.log", lines: ["[pantavisor] 1 ERROR\t -- [x]: bad"] },
    { from: "c/lxc/console.log", lines: ["Traceback (most recent call last)"] },
  ]);
});
