import * as z from "zod";
import { parseUntrusted } from "../../../shared/formats/json-depth.ts";

/**
 * The keys of a state that a signature owns. `_sigs/NAME.json` (`pvs@2`) is a JSON web signature
 * whose protected header lists, under `pvs`, globs of what is signed (`include`) and of what
 * belongs to the same part and changes freely (`exclude`). Both are owned.
 */
export interface SignedKeys {
  owns(key: string): boolean;
  /** True for what is owned and does not change freely. */
  signs(key: string): boolean;
}

const GLOBS = z.array(z.string()).default([]);
const headerSchema = z.object({ pvs: z.object({ include: GLOBS, exclude: GLOBS }) });
const signatureSchema = z.object({ protected: z.string().optional() });

/** A part signs some ten globs; a configuration package one for each of its files. */
const MOST_GLOBS = 10_000;
/** Each of these is compared with each key of the state. */
const MOST_WILD_GLOBS = 100;

/**
 * @param key      `_sigs/NAME.json`, for the message
 * @param document its value in the state
 * @returns undefined for a signature without a protected header: nobody can know what it owns
 * @throws Error naming the signature whose header cannot be read
 */
export function signedKeys(key: string, document: unknown): SignedKeys | undefined {
  const signature = signatureSchema.safeParse(document);
  if (!signature.success || signature.data.protected === undefined) return undefined;
  const { include, exclude } = readHeader(key, signature.data.protected);
  const globs = [...include, ...exclude];
  if (globs.length > MOST_GLOBS) throw new Error(`${key}: ${globs.length} globs are too many`);
  const [included, excluded, owned] = [include, exclude, globs].map((one) => matching(key, one));
  return {
    owns: (candidate) => owned?.(candidate) === true,
    signs: (candidate) => included?.(candidate) === true && excluded?.(candidate) !== true,
  };
}

function readHeader(key: string, text: string): z.infer<typeof headerSchema>["pvs"] {
  try {
    // Buffer skips what is not base64; a signature is taken whole or not at all (RFC 7515 §2).
    if (!/^[A-Za-z0-9_-]*$/.test(text)) throw new Error("it is not base64url");
    const bytes = Buffer.from(text, "base64url");
    const json = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return headerSchema.parse(parseUntrusted(json)).pvs;
  } catch (cause) {
    throw new Error(`${key}: its protected header cannot be read`, { cause });
  }
}

/**
 * Globs as Pantavisor reads them: `**` at the end is everything below, `*` and `?` stay in one
 * segment of the path (fnmatch(3) with FNM_PATHNAME). Most are plain paths or `FOLDER/**`; these
 * are looked up, for a state may hold as many keys as its signature has globs.
 */
function matching(key: string, globs: readonly string[]): (candidate: string) => boolean {
  const paths = new Set<string>();
  const folders = new Set<string>();
  const wild: { segments: readonly string[]; isFolder: boolean }[] = [];
  for (const glob of globs) {
    const isFolder = glob === "**" || glob.endsWith("/**");
    const path = isFolder ? glob.slice(0, -3) : glob;
    if (/[*?]/.test(path)) wild.push({ segments: path.split("/"), isFolder });
    else (isFolder ? folders : paths).add(path);
  }
  if (wild.length > MOST_WILD_GLOBS) {
    throw new Error(`${key}: ${wild.length} globs with wildcards are too many`);
  }
  return (candidate) =>
    paths.has(candidate) ||
    foldersOf(candidate).some((folder) => folders.has(folder)) ||
    wild.some(({ segments, isFolder }) => matches(segments, candidate.split("/"), isFolder));
}

/** The root, which is "", and each folder on the way to a key. */
function foldersOf(key: string): string[] {
  const segments = key.split("/");
  return segments.map((_, index) => segments.slice(0, index).join("/"));
}

function matches(glob: readonly string[], key: readonly string[], isFolder: boolean): boolean {
  if (isFolder ? key.length <= glob.length : key.length !== glob.length) return false;
  return glob.every((pattern, index) => matchesSegment(pattern, key[index] ?? ""));
}

/** To go back to the last `*` is enough, and keeps a hostile pattern from taking for ever. */
function matchesSegment(pattern: string, text: string): boolean {
  let [p, t, star, resume] = [0, 0, -1, 0];
  while (t < text.length) {
    if (pattern[p] === "*") [star, resume, p] = [p, t, p + 1];
    else if (pattern[p] === "?" || pattern[p] === text[t]) [p, t] = [p + 1, t + 1];
    else if (star >= 0) [p, resume, t] = [star + 1, resume + 1, resume + 1];
    else return false;
  }
  while (pattern[p] === "*") p += 1;
  return p === pattern.length;
}
