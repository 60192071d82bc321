import { globSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { expect, test } from "vitest";
import { catalogue } from "./catalogue.ts";
import { PROFILES } from "./profiles.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const scenarios = globSync("{scenarios,examples}/**/*.scenario.ts", { cwd: ROOT })
  .map((file) => readFileSync(resolve(ROOT, file), "utf8"))
  .join("\n");
const compat = new Set<string>(PROFILES.compat);
/** Rows that a check judges. */
const rows = [...catalogue().values()].filter(({ id }) => scenarios.includes(`"${id}"`));
const departing = rows.filter(({ real }) => real === "gap" || real === "bad");
const idsOf = (found: readonly { readonly id: string }[]) => found.map(({ id }) => id);

/** Forms of replies that were recorded, and of which no row promises anything. */
const WITHOUT_ROW: readonly string[] = [
  "garbage-html",
  "caller-unknown-500",
  "graph-no-start",
  "graph-interface-type",
];

test("where the real one departs from a promise, so does compat", () => {
  expect(departing.length).toBeGreaterThan(90);
  // A checkout of the layer is no appengine.
  const missing = departing
    .filter(({ suite }) => suite !== "layer")
    .filter(({ quirk, realQuirk = quirk }) => realQuirk === null || !compat.has(realQuirk));
  expect(idsOf(missing)).toEqual([]);
});

test("where the real one departs from a promise, a fact of docs/pantavisor.md says how", () => {
  const headings = readFileSync(resolve(ROOT, "docs/pantavisor.md"), "utf8");
  const unknown = departing.filter(
    ({ fact = "" }) => !/^§\d/.test(fact) || !headings.includes(`\n### ${fact.slice(1)} `),
  );
  expect(idsOf(unknown)).toEqual([]);
});

test("where the real one keeps a promise, compat has no quirk that breaks it", () => {
  const kept = rows.filter(({ real }) => real === "ok");
  expect(idsOf(kept.filter(({ quirk }) => quirk !== null && compat.has(quirk)))).toEqual([]);
  const explained = kept.filter(
    ({ realQuirk, fact }) => realQuirk !== undefined || fact !== undefined,
  );
  expect(idsOf(explained)).toEqual([]);
});

test("each quirk of compat is a row's, or a form of a reply", () => {
  const used = new Set(departing.map(({ quirk, realQuirk = quirk }) => realQuirk));
  expect(PROFILES.compat.filter((quirk) => !used.has(quirk))).toEqual(WITHOUT_ROW);
});
