import { STATE_SPEC } from "../../../shared/formats/state.ts";
import type { SignedKeys } from "./signed-keys.ts";
import { signedKeys } from "./signed-keys.ts";

/** A state or fragment as text has it: keys in order. */
export type StateDocument = Readonly<Record<string, unknown>>;

export const emptyState: StateDocument = { "#spec": STATE_SPEC };

type Signatures = ReadonlyMap<string, SignedKeys | undefined>;

/** As many as a state may have containers. */
const MOST_SIGNATURES = 2000;

/**
 * Add a fragment: first the parts that it brings anew leave, then its keys come. Adding the same
 * fragment twice is adding it once.
 *
 * A part is a container's folder with its configuration, or what a signature owns. All its keys
 * leave, except those that another signature owns: a file that the new version does not have is
 * gone. A fragment that only configures a container (`_config/NAME/…`) replaces these files and
 * nothing else.
 * @throws Error naming a signature that cannot be read
 */
export function mergeFragment(state: StateDocument, fragment: StateDocument): StateDocument {
  const [before, after] = [signaturesOf(state), signaturesOf(fragment)];
  const names = new Set(Object.keys(fragment).flatMap((key) => folderOf(key) ?? []));
  for (const [key, signed] of after) if (signed === undefined) names.add(signer(key));
  const leaving = [...before].filter(([key]) => after.has(key) || names.has(signer(key)));
  const staying = [...before].filter(([key]) => !after.has(key) && !names.has(signer(key)));
  const kept = without(
    state,
    (key) =>
      (names.has(partOf(key)) || owns(leaving, key) || owns([...after], key)) &&
      !owns(staying, key),
  );
  return { ...kept, ...fragment, "#spec": STATE_SPEC };
}

/**
 * Remove a part: a container by its name (with its configuration and signature), a signature
 * with the keys that it owns, a container's configuration (`_config/NAME`), or a single path.
 * A container that is signed goes whole, by whichever of the three it is named. Keys of another
 * signature stay, except below the folder that is named itself.
 * @throws Error naming a signature that cannot be read
 */
export function removePart(state: StateDocument, part: string): StateDocument {
  const signatures = signaturesOf(state);
  const path = part.replace(/\/+$/, "");
  const name = nameOf(path);
  const own = name === undefined ? undefined : `_sigs/${name}.json`;
  const isNamed = (key: string) => key === path || key.startsWith(`${path}/`);
  if (own === undefined || !(path === name || signatures.has(own))) return without(state, isNamed);
  const isWhole = path === name || signatures.get(own) === undefined;
  const leaving = [...signatures].filter(([key]) => key === own);
  const staying = [...signatures].filter(([key]) => key !== own);
  return without(
    state,
    (key) =>
      isNamed(key) ||
      ((owns(leaving, key) || (isWhole && partOf(key) === name)) && !owns(staying, key)),
  );
}

function signaturesOf(state: StateDocument): Signatures {
  const keys = Object.keys(state).filter((key) => SIGNATURE.test(key));
  if (keys.length > MOST_SIGNATURES) throw new Error(`${keys.length} signatures are too many`);
  return new Map(keys.map((key) => [key, signedKeys(key, state[key])]));
}

/** A signature is its own, whatever its globs say. */
function owns(
  signatures: readonly (readonly [string, SignedKeys | undefined])[],
  key: string,
): boolean {
  return signatures.some(([signature, signed]) => signature === key || signed?.owns(key) === true);
}

function without(state: StateDocument, leaves: (key: string) => boolean): StateDocument {
  return Object.fromEntries(
    Object.entries(state).filter(([key]) => key === "#spec" || !leaves(key)),
  );
}

const SIGNATURE = /^_sigs\/(.+)\.json$/s;

/** The part that `_sigs/NAME.json` signs. */
function signer(key: string): string {
  return SIGNATURE.exec(key)?.[1] ?? key;
}

/** `NAME`, `_config/NAME` and `_sigs/NAME.json` name a part; a longer path does not. */
function nameOf(path: string): string | undefined {
  return SIGNATURE.exec(path)?.[1] ?? /^(?:_config\/)?([^/]+)$/.exec(path)?.[1];
}

/** The container, or other folder, that has this key as a file. */
function folderOf(key: string): string | undefined {
  return /^(?!_sigs\/|_config\/)([^/]+)\//.exec(key)?.[1];
}

/** `a/x`, `_config/a/x` and `_sigs/a.json` belong to part `a`; a document of the device is one. */
function partOf(key: string): string {
  return folderOf(key) ?? /^_config\/([^/]+)\//.exec(key)?.[1] ?? signer(key);
}
