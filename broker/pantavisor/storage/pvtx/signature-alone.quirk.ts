import type { StateDocument } from "./state-merge.ts";

/** A state without this one key; what belongs to it stays. */
export function removeKey(state: StateDocument, part: string): StateDocument {
  return Object.fromEntries(Object.entries(state).filter(([key]) => key !== part));
}
