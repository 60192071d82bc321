import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import type { Failure } from "../../reports/events.ts";
import type { CheckTraces } from "./check-window.ts";
import { diagnoseFailure } from "./diagnose-failure.ts";

const FAILURE: Failure = { class: "product", code: "PVH_ASSERT", message: "status: 501" };
const NO_IDENTITY = '{"role": "unknown"}';
const GRAPH = '[{"consumer":"client","consumer_pid":5,"provider":"server","provider_pid":6}]';

/** Evidence in which the consoles of client, server and stranger have a line that a rule knows. */
function evidence(): string {
  const folder = mkdtempSync(join(tmpdir(), "pvh-diagnose-"));
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  };
  for (const name of ["client", "server", "stranger"]) write(consoleOf(name), NO_IDENTITY);
  write("graph.json", GRAPH);
  return folder;
}

const consoleOf = (name: string): string => `logs/0/${name}/lxc/console.log`;

function rulesAbout(lines: Readonly<Record<string, string>>, ...entered: readonly string[]) {
  const traces: CheckTraces = {
    lines: new Map(
      Object.entries(lines).map(([name, line]) => [`0/${name}/lxc/console.log`, [line]]),
    ),
    entered: new Set(entered),
  };
  return diagnoseFailure(FAILURE, evidence(), { traces }).diagnoses.map(({ rule }) => rule);
}

test("a line from before the check is no cause of its failure", () => {
  expect(rulesAbout({}, "client")).toEqual([]);
  expect(rulesAbout({ client: "fine" }, "client")).toEqual([]);
  expect(rulesAbout({ client: NO_IDENTITY }, "client")).toEqual(["rest-without-identity"]);
});

test("a line counts of what the check entered, and of the other side of its links", () => {
  expect(rulesAbout({ server: NO_IDENTITY }, "client")).toEqual(["rest-without-identity"]);
  expect(rulesAbout({ stranger: NO_IDENTITY }, "client")).toEqual([]);
  expect(rulesAbout({ stranger: NO_IDENTITY })).toEqual(["rest-without-identity"]);
});

test("a boot has all of its evidence", () => {
  const { diagnoses } = diagnoseFailure(FAILURE, evidence());
  expect(diagnoses.map(({ rule }) => rule)).toEqual(["rest-without-identity"]);
});
