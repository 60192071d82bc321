import fc from "fast-check";
import { expect, test } from "vitest";
import { exitCodeOf } from "./exit-code.ts";
import { junitReport } from "./junit.ts";
import { foldRecord, readRecord } from "./read-record.ts";
import { end, record, SAMPLE, start } from "./testdata/sample-run.ts";
import { tapReport } from "./tap.ts";

const LINES = record([...SAMPLE, { type: "run.finished", ms: 5, exitCode: 1 }]).map((event) =>
  JSON.stringify(event),
);
const WHOLE = `${LINES.join("\n")}\n`;

test("a whole record is read whole", () => {
  const { events, stopped } = readRecord(WHOLE);
  expect(stopped).toBeUndefined();
  expect(events.map((event) => JSON.stringify(event))).toEqual(LINES);
});

test("a record without its end says where it stops, and is not green", () => {
  const all = record([start("s", "unix", [["a", "t"]]), end("s", "a", "passed", {})]);
  const read = readRecord(`${all.map((event) => JSON.stringify(event)).join("\n")}\n`);
  expect(read.stopped).toBe(
    "the record stops after line 2, a check.finished of 2026-11-23T00:40:00.100Z: the run was killed, or goes on",
  );
  const state = foldRecord(read);
  expect(exitCodeOf(state)).toBe(70);
  expect(tapReport(state)).toContain("not ok 2 - the run: record");
});

test.each([
  [
    "a line cut in its middle",
    `${LINES[0] ?? ""}\n${(LINES[1] ?? "").slice(0, 40)}`,
    /line 2, .*no end: it is no JSON/,
  ],
  ["another program's file", "<html>\n", /line 1: it is no JSON/],
  ["JSON that is no event", "[1]\n", /line 1: it is no event/],
  [
    "a later version",
    `{"v":3,"t":1,"type":"note","text":"x"}\n`,
    /version 3, and this pvh reads 1/,
  ],
  ["an event without a field", `{"v":1,"t":1,"type":"note"}\n`, /line 1: it is no note: text/],
  [
    "a time that no clock shows",
    `{"v":1,"t":9e99,"type":"note","text":"x"}\n`,
    /it is no event: t/,
  ],
  ["a duration without end", `{"v":1,"t":1,"type":"run.finished","ms":1e999,"exitCode":0}`, /: ms/],
])("%s is told by its line", (_what, text, why) => {
  expect(readRecord(text).stopped).toMatch(why);
});

test("an unknown type of event is left out, and the record goes on", () => {
  const text = `{"v":2,"t":1,"type":"later.thing"}\n${WHOLE}`;
  expect(readRecord(text).events).toHaveLength(LINES.length);
});

test("wherever a record is cut, all before it is read, and the reports are made", () => {
  fc.assert(
    fc.property(fc.nat(WHOLE.length - 2), (at) => {
      const read = readRecord(WHOLE.slice(0, at));
      const whole = WHOLE.slice(0, at).split("\n").length - 1;
      expect(read.events.length).toBeGreaterThanOrEqual(whole);
      expect(read.stopped).toMatch(/^the record stops (at|after) line \d+/);
      expect(junitReport(foldRecord(read), "x")).toContain("the record stops");
    }),
    { numRuns: 200 },
  );
});

test("whatever a file holds, it is read without an error, and the reports are made", () => {
  const line = fc.oneof(
    fc.constantFrom(...LINES),
    fc.json(),
    fc.string({ unit: "binary" }),
    fc
      .tuple(
        fc.constantFrom(...LINES),
        fc.nat(400),
        fc.constantFrom("9", '"', "{", "null", "\u0000", ""),
      )
      .map(([text, at, by]) => text.slice(0, at) + by + text.slice(at + 1)),
  );
  fc.assert(
    fc.property(fc.array(line, { maxLength: 12 }), (lines) => {
      const state = foldRecord(readRecord(lines.join("\n")));
      expect(junitReport(state, "x")).toMatch(/^<\?xml/);
      expect(tapReport(state)).toMatch(/^TAP version 14/);
    }),
    { numRuns: 1_000 },
  );
});
