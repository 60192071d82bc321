import { expect, test } from "vitest";
import { touchedBy } from "./touched.ts";

const QUIRKS = ["open-door", "lost-key", "deaf"];
const sources = new Map([
  ["broker/door.ts", 'import { open } from "./open.quirk.ts"; quirks.has("open-door");'],
  ["broker/open.quirk.ts", "export const open = 1;"],
  ["broker/key.ts", 'quirks.has("lost-key")'],
  ["broker/plain.ts", 'import "./key.ts";'],
  ["scenarios/a/door.scenario.ts", 'import { step } from "../support/steps.ts";'],
  ["scenarios/a/key.scenario.ts", 'import "../../harness/until.ts";'],
  ["scenarios/support/steps.ts", 'import "./deep.ts";'],
  ["scenarios/support/deep.ts", ""],
]);

function touched(...paths: string[]): string[] {
  const { quirks, scenarios, rows } = touchedBy(
    paths.map((path) => ({ path, added: [] })),
    sources,
    QUIRKS,
  );
  return [...quirks, ...scenarios, ...rows];
}

test("a file of the broker touches the quirks that it names", () => {
  expect(touched("broker/key.ts")).toEqual(["lost-key"]);
  expect(touched("broker/plain.ts")).toEqual([]);
});

test("a quirk's own file touches those that its importers name", () => {
  expect(touched("broker/open.quirk.ts")).toEqual(["open-door"]);
});

test("a scenario file touches itself, and what it imports touches it", () => {
  expect(touched("scenarios/a/key.scenario.ts")).toEqual(["scenarios/a/key.scenario.ts"]);
  expect(touched("scenarios/support/deep.ts")).toEqual(["scenarios/a/door.scenario.ts"]);
});

test("the harness, and files that are gone, touch nothing", () => {
  expect(touched("harness/until.ts", "broker/gone.ts", "docs/x.md")).toEqual([]);
});

test("the list of quirks and the catalogue touch what their new lines name", () => {
  const { quirks, rows, scenarios } = touchedBy(
    [
      { path: "broker/shared/quirks/names.ts", added: ['  "lost-key": "no key fits",'] },
      {
        path: "fixtures/catalogue.json",
        added: ['  "id": "door.closed",', '  "quirk": "open-door",', '  "src": "deaf",'],
      },
    ],
    sources,
    QUIRKS,
  );
  expect([...quirks].sort()).toEqual(["deaf", "lost-key", "open-door"]);
  expect([...rows]).toEqual(["door.closed"]);
  expect([...scenarios]).toEqual([]);
});
