import { STATE_SPEC } from "../../formats/state.ts";

/** A state or fragment as text has it: keys in order. */
export type StateDocument = Readonly<Record<string, unknown>>;

export const emptyState: StateDocument = { "#spec": STATE_SPEC };

/**
 * Add a fragment (docs/pantavisor.md §1.1): first the parts it supersedes leave, then its keys
 * come. Adding the same fragment twice is adding it once.
 */
export function mergeFragment(state: StateDocument, fragment: StateDocument): StateDocument {
  let merged = state;
  for (const part of partsOf(fragment)) merged = removePart(merged, part);
  return { ...merged, ...fragment, "#spec": STATE_SPEC };
}

/**
 * Remove a container by its name or by one of its paths, with its configuration and signature;
 * a key that is not part of a container (`groups.json`) alone.
 */
export function removePart(state: StateDocument, part: string): StateDocument {
  const name = partOf(part) ?? part;
  return Object.fromEntries(
    Object.entries(state).filter(([key]) => key !== name && partOf(key) !== name),
  );
}

function partsOf(fragment: StateDocument): Set<string> {
  return new Set(
    Object.keys(fragment)
      .map(partOf)
      .filter((part) => part !== undefined),
  );
}

/** `a/x`, `_config/a/x` and `_sigs/a.json` belong to part `a`; top-level documents to none. */
function partOf(key: string): string | undefined {
  const special = /^_config\/([^/]+)(?:\/|$)|^_sigs\/(.+)\.json$/.exec(key);
  if (special !== null) return special[1] ?? special[2];
  return /^([^/]+)\//.exec(key)?.[1];
}
