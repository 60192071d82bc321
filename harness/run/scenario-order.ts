import { lotOf } from "../lot.ts";
import type { FormerDurations } from "./history.ts";

/**
 * Order in which scenarios begin, as far as there is room: as they were selected; those that took
 * longest first, where those of a share count together; or one that the seed tells, another in each
 * repetition.
 */
export type Order = "given" | "longest first" | { readonly shuffle: number };

/** Milliseconds of a scenario that never ran: it may be long. */
const UNKNOWN = Infinity;

/** @param repetition from 1 */
export function ordered<
  T extends { readonly scenario: { readonly name: string; readonly shares?: string } },
>(
  selected: readonly T[],
  order: Order,
  repetition: number,
  former: Pick<FormerDurations, "scenarios">,
): readonly T[] {
  if (order === "given") return selected;
  const msOf = ({ scenario }: T): number => former.scenarios.get(scenario.name) ?? UNKNOWN;
  const msOfAll = (one: T): number => {
    const { shares } = one.scenario;
    if (shares === undefined) return msOf(one);
    const together = selected.filter(({ scenario }) => scenario.shares === shares);
    return together.reduce((sum, other) => sum + msOf(other), 0);
  };
  const key =
    order === "longest first"
      ? (one: T) => -msOfAll(one)
      : ({ scenario }: T) => lotOf(`${order.shuffle}.${repetition}`, scenario.name);
  const keyed = selected.map((one) => ({ one, key: key(one) }));
  // Not by difference: that of two infinite keys is no number.
  return keyed.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)).map(({ one }) => one);
}
