import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { EventLog, parseLine, toLine } from "./event-log.ts";
import type { RecordedEvent } from "../../reports/events.ts";

const folder = (): string => mkdtempSync(join(tmpdir(), "pvh-events-"));

test("an event is read back as it was appended", () => {
  const path = join(folder(), "events.jsonl");
  const log = new EventLog(path);
  log.append({ type: "note", text: "one\ntwo" });
  log.append({ type: "note", scenario: "x", text: "three" });
  log.close();
  const lines = readFileSync(path, "utf8").split("\n");
  expect(lines.length).toBe(3);
  expect(parseLine(lines[0] ?? "")).toMatchObject({ v: 2, type: "note", text: "one\ntwo" });
  expect(parseLine(lines[1] ?? "")).toMatchObject({ scenario: "x" });
});

test("no event makes a line over 64 KiB, whatever its texts hold", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 40 }), fc.nat(90_000), (seed, times) => {
      const text = seed.repeat(times % 3_000);
      const event: RecordedEvent = { v: 1, t: 1, type: "note", text, scenario: text };
      const line = toLine(event);
      expect(Buffer.byteLength(line)).toBeLessThanOrEqual(65_536);
      expect(line.indexOf("\n")).toBe(line.length - 1);
      expect(parseLine(line)?.type).toBe("note");
    }),
    { numRuns: 15 },
  );
});

test("a cut text says how much is missing", () => {
  const line = toLine({ v: 1, t: 1, type: "note", text: "x".repeat(100_000) });
  expect(line).toContain("… (83616 more characters)");
});

test("a run of thousands can be told in one line", () => {
  const selected = Array.from({ length: 9_000 }, (_, index) => `unix-half-close~${index + 1}`);
  const host = { name: "h", kernel: "k", node: "n" };
  const of = { run: "r", command: [], image: "i", profile: "strict", quirks: [], seed: 1, host };
  const line = toLine({ v: 1, t: 1, type: "run.started", selected, ...of });
  expect(parseLine(line)).toMatchObject({ selected });
});

test("an event that a full disk cuts is an error", () => {
  const log = new EventLog("/dev/full");
  expect(() => log.append({ type: "note", text: "x" })).toThrow(
    "/dev/full cannot be written: ENOSPC",
  );
  log.close();
});

test("a line of the version before is read", () => {
  expect(parseLine('{"v":1,"t":1,"type":"note","text":""}')).toMatchObject({ type: "note" });
});

test("a line of another version or a torn line is no event", () => {
  expect(parseLine('{"v":3,"t":1,"type":"note","text":""}')).toBeUndefined();
  expect(parseLine('{"v":1,"t":1,"ty')).toBeUndefined();
  expect(parseLine("null")).toBeUndefined();
});
