import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  openSync,
  readFileSync,
  statSync,
} from "node:fs";
import { join } from "node:path";
import { parseUntrusted } from "../../../shared/formats/json-depth.ts";
import type { StateDocument } from "./state-merge.ts";

const MAX_BYTES = 16 * 1024 * 1024;

/** Where the folder of a revision, or of an export that was unpacked, keeps its state. */
const PLACES = ["json", ".pvr/json"];

/**
 * The state that a transaction begins with.
 * @param base a folder of a revision, or a file of JSON
 * @throws Error naming the path when there is no state
 */
export function readBase(base: string): StateDocument {
  const found = statSync(base, { throwIfNoEntry: false });
  const path = found?.isDirectory()
    ? PLACES.map((place) => join(base, place)).find((place) => existsSync(place))
    : base;
  if (found === undefined || path === undefined) {
    throw new Error(`no state at ${base}: it is neither a revision's folder nor a file of JSON`);
  }
  return readState(path);
}

/** The state of a revision folder. */
export function readRevision(revision: string): StateDocument {
  const path = join(revision, ".pvr/json");
  if (!existsSync(path)) throw new Error(`${revision} is not a revision: ${path} is missing`);
  return readState(path);
}

/** @throws Error naming the path when it is not a regular file with a JSON object */
export function readState(path: string): StateDocument {
  // A pipe would be waited for.
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const facts = fstatSync(fd);
    if (!facts.isFile()) throw new Error(`${path} is not a file`);
    if (facts.size > MAX_BYTES) throw new Error(`${path} is larger than ${MAX_BYTES} bytes`);
    return parseState(path, readFileSync(fd));
  } finally {
    closeSync(fd);
  }
}

function parseState(path: string, bytes: Buffer): StateDocument {
  let value: unknown;
  try {
    value = parseUntrusted(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new Error(`${path} is not JSON: ${(cause as Error).message}`, { cause });
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new Error(`${path} is not a JSON object`);
  }
  return value as StateDocument;
}
