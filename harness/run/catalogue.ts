import { readFileSync } from "node:fs";
import * as z from "zod";

/**
 * The catalogue of promises, fixtures/catalogue.json: one row for each check. `quirk` is the
 * deviation that must turn the check red; null where a fixture or a harness rule does
 * (`fixture` says which). `real` is what appengine 029-32 does.
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
