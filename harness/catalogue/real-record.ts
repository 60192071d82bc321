import * as z from "zod";
import type { Conformance, Conformity } from "../../reports/conformance.ts";
import { printableLine } from "../../reports/printable.ts";
import type { CatalogueRow } from "./catalogue.ts";

/** Path of the record from the repository's root. */
export const REAL_RECORD = "fixtures/real-029-32.json";

const measured = z.strictObject({
  verdict: z.enum(["kept", "gap", "harmful", "not testable"]),
  /** Value that departs, or reason why nothing was judged. */
  reason: z.string().optional(),
});
export type Measured = z.infer<typeof measured>;

/** Verdicts that were measured on 029-32, by promise: the source of the catalogue's column `real`. */
export const realRecord = z.strictObject({
  /** Reference and engine's id of the image; neither is in this repository. */
  image: z.strictObject({ reference: z.string(), id: z.string() }),
  /** Day of the last measurement. */
  date: z.iso.date(),
  rows: z.record(z.string(), measured),
});
export type RealRecord = z.infer<typeof realRecord>;

const VERDICTS: Readonly<Record<Conformity, Measured["verdict"]>> = {
  kept: "kept",
  reference: "kept",
  gap: "gap",
  neither: "gap",
  harmful: "harmful",
  "not judged": "not testable",
};

/** A row with several checks is kept when all of them say so. */
const WORST: readonly Measured["verdict"][] = ["harmful", "gap", "kept", "not testable"];

/**
 * The record with what was measured anew. Rows of an image with another id begin anew.
 * @param isOf the row is about an appengine, and not about pvh or a checkout
 */
export function recordWith(
  before: RealRecord | undefined,
  { image, rows }: Conformance,
  date: string,
  isOf: (check: string) => boolean,
): RealRecord {
  const { reference, id = "" } = image;
  const found: Record<string, Measured> = {};
  for (const { check, conformity, detail } of rows) {
    if (!isOf(check)) continue;
    const verdict = VERDICTS[conformity];
    const said = found[check];
    if (said !== undefined && WORST.indexOf(said.verdict) <= WORST.indexOf(verdict)) continue;
    const reason = printableLine(detail, 160);
    found[check] = { verdict, ...(reason !== "" && { reason }) };
  }
  const known = before?.image.id === id ? before.rows : {};
  const all = Object.entries({ ...known, ...found });
  const sorted = all.toSorted(([one], [other]) => (one < other ? -1 : 1));
  return { image: { reference, id }, date, rows: Object.fromEntries(sorted) };
}

/** The fields of a row that come from the record: it says whether a promise is kept, the row how bad it is. */
export function columnOf(
  row: Pick<CatalogueRow, "real">,
  found: Measured | undefined,
): Pick<CatalogueRow, "real" | "realFrom"> {
  if (found === undefined || found.verdict === "not testable") {
    const isTold = row.real !== "?" && row.real !== "–";
    return { real: row.real, ...(isTold && { realFrom: "documents" as const }) };
  }
  if (found.verdict === "kept") return { real: "ok" };
  return { real: row.real === "bad" ? "bad" : "gap" };
}

/** The row judges an appengine; the others judge pvh (`–`), or a checkout. */
export function isOfAppengine({ real, suite }: Pick<CatalogueRow, "real" | "suite">): boolean {
  return real !== "–" && suite !== "layer";
}
