import { readFileSync } from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import { validateXML } from "xmllint-wasm";
import type { RunEvent } from "./events.ts";
import { junitReport } from "./junit.ts";
import { foldRun } from "./run-state.ts";
import { end, record, SAMPLE, start } from "./testdata/sample-run.ts";

const SCHEMA = readFileSync(new URL("../fixtures/junit-dialect.xsd", import.meta.url), "utf8");
const report = (events: readonly RunEvent[]): string =>
  junitReport(foldRun(record(events)), ".pvh/runs/x");
const xml = report(SAMPLE);

/** Errors that libxml2 finds in a report by the schema of the dialect. */
async function errorsOf(contents: string): Promise<string[]> {
  const { errors } = await validateXML({
    xml: [{ fileName: "junit.xml", contents }],
    schema: [SCHEMA],
    initialMemoryPages: 512,
  });
  return errors.map(({ message }) => message);
}

/** Attributes of the elements of this name, in order. */
function elements(name: string): Record<string, string>[] {
  return [...xml.matchAll(new RegExp(`<${name}((?: [\\w-]+="[^"]*")*)/?>`, "g"))].map((element) =>
    Object.fromEntries(
      [...(element[1] ?? "").matchAll(/([\w-]+)="([^"]*)"/g)].map(([, key = "", value = ""]) => [
        key,
        value,
      ]),
    ),
  );
}

test("the report is valid in the dialect", async () => {
  expect(await errorsOf(xml)).toEqual([]);
});

test("what failed outside of any check is a case of its own, in a valid report", async () => {
  const failure = { class: "infra", code: "PVH_PREPARE", message: "no <exports>" } as const;
  const with2 = report([
    ...SAMPLE,
    { type: "failure", scenario: "flaky", where: "stray error", failure },
    { type: "failure", scenario: "flaky", where: "stray error", failure },
    { type: "failure", where: "preparation", failure },
  ]);
  expect(await errorsOf(with2)).toEqual([]);
  expect(with2).toContain('<testcase classname="pvh.scenarios.flaky" name="stray error"');
  expect(with2).toContain('<testcase classname="pvh.scenarios.flaky" name="stray error (2)"');
  expect(with2).toMatch(/<testsuite name="pvh" tests="1" failures="0" errors="1"/);
  expect(with2).toMatch(/<testsuites name="pvh" tests="9" failures="2" errors="4"/);
});

test("a report of another broker than the image's own says so", async () => {
  const prepared = { type: "run.prepared", ms: 1, image: "pv:1", broker: "reference" } as const;
  const replaced = report([...SAMPLE, prepared]);
  expect(await errorsOf(replaced)).toEqual([]);
  expect(replaced).toContain('<property name="pvh.broker" value="reference"/>');
  expect(xml).not.toContain("pvh.broker");
});

test("a run that was cut short has an error, whatever cut it", async () => {
  const cut = report([
    {
      type: "failure",
      where: "cancelled",
      failure: { class: "scenario", code: "PVH_DEADLINE", message: "the deadline passed" },
    },
  ]);
  expect(await errorsOf(cut)).toEqual([]);
  expect(cut).toMatch(/<testsuites name="pvh" tests="1" failures="0" errors="1"/);
  expect(cut).toContain('<error type="PVH_DEADLINE" message="the deadline passed">');
});

test("the schema refuses what consumers refuse", async () => {
  const spoilt = [
    xml.replace('time="42.120"', 'time="42.12345"'),
    xml.replace("2026-11-23T00:40:00", "2026-11-23T00:40:00Z"),
    xml.replace("<testsuites ", '<testsuites skipped="1" '),
    xml.replace("<testcase ", '<testcase file="x" '),
    xml.replaceAll(/name="[^"]*" time/g, 'name="same" time'),
  ];
  for (const errors of await Promise.all(spoilt.map(errorsOf))) expect(errors).not.toEqual([]);
});

test("the product's failures are failures, the infrastructure's are errors", () => {
  const suites = elements("testsuite");
  expect(suites).toMatchObject([
    { name: "dbus-roles", tests: "4", failures: "1", errors: "1", skipped: "1", time: "42.120" },
    { name: "flaky", tests: "1", failures: "0", errors: "0", skipped: "0", time: "0.900" },
    { name: "booted", tests: "1", failures: "1", errors: "0" },
  ]);
  expect(suites[0]).toMatchObject({
    timestamp: "2026-11-23T00:40:00",
    hostname: "runner-1",
    package: "pvh",
    file: "scenarios/dbus/dbus-roles.scenario.ts",
  });
  expect(xml).toContain('<error type="PVH_ENGINE" message="the engine went away">');
});

test("a flaky pass keeps its first failure, a skip its reason", () => {
  expect(xml).toContain('<flakyFailure type="PVH_TIMEOUT" message="attempt 1: too late">');
  expect(xml).toContain('<skipped message="needs drm: /dev/dri/card0 missing"/>');
});

test("a failed case carries the command that repeats it and its evidence", () => {
  expect(xml).toContain(
    "npx pvh scenario dbus-roles --image=pantavisor-appengine:1.0 --quirk=no-half-close --boot=manual --seed=42",
  );
  expect(xml).toContain("[[ATTACHMENT|.pvh/runs/x/dbus-roles/boot.log]]");
});

test("checks of one title have names of their own", () => {
  const names = elements("testcase").map(
    (attributes) => `${attributes["classname"] ?? ""} ${attributes["name"] ?? ""}`,
  );
  expect(new Set(names).size).toBe(names.length);
  expect(names.length).toBe(6);
});

test("system-out is at most 64 KiB", () => {
  const notes = Array.from({ length: 3_000 }, (_, index): RunEvent => ({
    type: "note",
    scenario: "s",
    text: `line ${index} ${"x".repeat(40)}`,
  }));
  const output = /<system-out>([\s\S]*?)<\/system-out>/.exec(
    report([start("s", "unix", [["c", "t"]]), ...notes, end("s", "c", "passed", {})]),
  )?.[1];
  expect(Buffer.byteLength(output ?? "")).toBeLessThanOrEqual(65_536);
  expect(output).toMatch(/^line \d+ /);
  expect(output).toContain("line 2999 ");
});

test("whatever messages, titles, reasons and notes hold, the report stays valid", async () => {
  const hostile = fc.string({
    unit: fc.oneof(
      fc.constantFrom("<", "&", "]]>", '"', "\n", "\u001b[2J", "\u0000", "\ud800", "\uffff", "-->"),
      fc.string({ unit: "binary", minLength: 1, maxLength: 1 }),
    ),
  });
  const texts = fc.sample(fc.tuple(hostile, hostile), 300);
  const events = texts.flatMap(([message, title], index): RunEvent[] => {
    const scenario = `s${index}`;
    const failure = { class: "product", code: "PVH_ASSERT", message } as const;
    return [
      start(scenario, "unix", [
        ["a", title],
        ["b", title],
      ]),
      end(scenario, "a", "failed", { failure: { ...failure, hint: message, stack: message } }),
      end(scenario, "b", "skipped", { reason: message }),
      { type: "note", scenario, text: message },
      { type: "evidence", scenario, path: message, what: title },
    ];
  });
  expect(await errorsOf(report(events))).toEqual([]);
});
