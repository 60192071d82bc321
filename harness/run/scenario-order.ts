import { lotOf } from "../lot.ts";
import type { FormerDurations } from "./history.ts";

/**
 * Order in which scenarios begin, as far as there is room: as they were selected; those that took
 * longest first; or one that the seed tells, another in each repetition.
 */
export type Order = "given" | "longest first" | { readonly shuffle: number };

/** Milliseconds of a scenario that never ran: it may be long. */
const UNKNOWN = Infinity;

/** @param repetition from 1 */
export function ordered<T extends { readonly scenario: { readonly name: string } }>(
  selected: readonly T[],
  order: Order,
  repetition: number,
  former: Pick<FormerDurations, "scenarios">,
): readonly T[] {
  if (order === "given") return selected;
  const key =
    order === "longest first"
      ? (name: string) => -(former.scenarios.get(name) ?? UNKNOWN)
      : (name: string) => lotOf(`${order.shuffle}.${repetition}`, name);
  const keyed = selected.map((one) => ({ one, key: key(one.scenario.name) }));
  // Not by difference: that of two infinite keys is no number.
  return keyed.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)).map(({ one }) => one);
}
