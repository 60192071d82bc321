import { readFileSync } from "node:fs";
import * as z from "zod";

/** Letters of a row's `src`: the document that makes the promise. */
export const PROMISE_SOURCES = {
  A: "GEMINI.md of meta-pantavisor, branch feature/wasmedge-engine, its first state: the design of services, the broker, its plugins and Wasm",
  B: "the same file as of 2026-01-22: how to build, load, run and check an appengine",
  P: "Pantavisor's published documentation and test plans: docs.pantahub.com, and `docs/` and `TESTPLAN-*.md` of pantavisor and meta-pantavisor",
  X: "no document: hostile input, limits, races and defects that were measured (docs/pantavisor.md), which any implementation has to withstand",
  card: "pvh's own description: a test harness whose results other programs read",
} as const;

/**
 * The catalogue of promises, fixtures/catalogue.json: one row for each check. `src` holds letters
 * of PROMISE_SOURCES, separated by blanks. `quirk` is the deviation that must turn the check red;
 * null where a fixture or a harness rule does (`fixture` says which). `real` is the outcome on
 * appengine 029-32: `ok`, `gap` (the promise is not kept), `bad` (a defect), `?` (not known), or
 * `–` where the check is of pvh alone.
 */
const row = z.object({
  id: z.string(),
  suite: z.string(),
  promise: z.string(),
  src: z.string(),
  quirk: z.string().nullable(),
  fixture: z.string().optional(),
  real: z.string(),
});
export type CatalogueRow = z.infer<typeof row>;

let rows: ReadonlyMap<string, CatalogueRow> | undefined;

export function catalogue(): ReadonlyMap<string, CatalogueRow> {
  rows ??= new Map(
    z
      .array(row)
      .parse(
        JSON.parse(readFileSync(new URL("../../fixtures/catalogue.json", import.meta.url), "utf8")),
      )
      .map((entry) => [entry.id, entry]),
  );
  return rows;
}
