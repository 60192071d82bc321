import { createHash } from "node:crypto";
import { Readable, addAbortSignal } from "node:stream";
import { pipeline } from "node:stream/promises";
import { MAGIC_BYTES, compressionOf, decompress } from "./compression.ts";
import { ExportError } from "./export-error.ts";
import { parseFragment } from "./fragment.ts";
import type { Fragment } from "./fragment.ts";
import { EXPORT_LIMITS } from "./limits.ts";
import type { ExportLimits } from "./limits.ts";
import { tarFiles } from "./tar-files.ts";
import type { Oddity, TarFile } from "./tar-files.ts";

/** A pvrexport: a tar, compressed or not, with `json` and `objects/<sha256>`; or bare JSON. */
export interface PvrExport {
  /** The state fragment, keys in the order of the text. */
  readonly fragment: Fragment;
  /** sha256 → bytes. */
  readonly objects: ReadonlyMap<string, number>;
  /** True for bare JSON, which brings no objects. */
  readonly isBare: boolean;
  /** Other members: Pantavisor passes over them. */
  readonly ignored: readonly string[];
  /** Oddities that this reader accepts and others may not, each with its first member. */
  readonly oddities: ReadonlyMap<Oddity | "compression", string>;
}

export interface ReadOptions {
  readonly signal?: AbortSignal | undefined;
  readonly limits?: ExportLimits | undefined;
  /**
   * Takes the content of an object, all of it, and refuses what is not named by its sha256.
   * Default: checkContent.
   */
  readonly store?:
    ((sha256: string, size: number, content: TarFile["content"]) => Promise<void>) | undefined;
}

/**
 * The one reader of exports, in pvtx and in the linter. The file is hostile: it is read as a
 * stream, within limits, and nothing is written under a name that it chose.
 * @throws ExportError saying what is wrong with the export; what `store` throws; errors of the
 *         source; the signal's reason
 */
export async function readPvrExport(
  source: Readable,
  options: ReadOptions = {},
): Promise<PvrExport> {
  const limits = options.limits ?? EXPORT_LIMITS;
  const deadline = AbortSignal.timeout(limits.seconds * 1000);
  const signal = options.signal ? AbortSignal.any([options.signal, deadline]) : deadline;
  const reader = { ...options, limits };
  // Errors reach whoever reads the stream; one that comes before would end the process.
  source.on("error", () => undefined);
  try {
    const { head, stream } = await peek(addAbortSignal(signal, source));
    if (head.length === 0) throw new ExportError("is empty");
    const compression = compressionOf(head);
    const read = async (bytes: AsyncIterable<Uint8Array>): Promise<PvrExport> => {
      if (isJson(head)) return readBare(bytes, limits);
      const tar = compression === undefined ? bytes : decompress(compression, bytes, signal);
      return readTar(tar, reader, compression);
    };
    return await pipeline(stream, read, { signal });
  } catch (error) {
    options.signal?.throwIfAborted();
    if (!deadline.aborted) throw error;
    throw new ExportError(`was not read within ${limits.seconds} seconds`);
  } finally {
    source.destroy();
  }
}

/** JSON may begin with white space or a byte order mark; neither a tar nor a compression does. */
function isJson([first = 0]: Uint8Array): boolean {
  return [...Buffer.from("{ \t\r\n"), 0xef].includes(first);
}

/** The first bytes of a stream that still has them. */
async function peek(stream: Readable): Promise<{ head: Uint8Array; stream: Readable }> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of stream.iterator({ destroyOnReturn: false })) {
    chunks.push(chunk as Buffer);
    length += (chunk as Buffer).length;
    if (length >= MAGIC_BYTES) break;
  }
  const head = Buffer.concat(chunks);
  if (length < MAGIC_BYTES) return { head, stream: Readable.from([head]) };
  stream.unshift(head);
  return { head, stream };
}

async function readBare(text: AsyncIterable<Uint8Array>, limits: ExportLimits): Promise<PvrExport> {
  const fragment = parseFragment(await collect(text, limits.json));
  return { fragment, objects: new Map(), isBare: true, ignored: [], oddities: new Map() };
}

async function readTar(
  tar: AsyncIterable<Uint8Array>,
  { limits, store = checkContent }: ReadOptions & { readonly limits: ExportLimits },
  compression: string | undefined,
): Promise<PvrExport> {
  let fragment: Fragment | undefined;
  const objects = new Map<string, number>();
  const ignored: string[] = [];
  const seen = new Set<string>();
  const oddities = new Map<Oddity | "compression", string>();
  if (compression !== undefined && compression !== "gzip") oddities.set("compression", compression);
  const files = tarFiles(tar, limits, (oddity, member) => {
    if (!oddities.has(oddity)) oddities.set(oddity, member);
  });
  for await (const { name, size, content } of files) {
    if (seen.has(name)) throw new ExportError("comes twice", name);
    seen.add(name);
    if (name === "json") {
      fragment = parseFragment(await collect(content, limits.json, name), name);
    } else if (name.startsWith("objects/")) {
      const sha256 = name.slice("objects/".length);
      checkObject(sha256, size, name, limits);
      await store(sha256, size, content);
      objects.set(sha256, size);
    } else {
      // Pantavisor's pvtx compares as many characters as the shorter name has.
      if (name.startsWith("json") || "json".startsWith(name)) {
        throw new ExportError("could be taken for json", name);
      }
      ignored.push(name);
    }
  }
  if (fragment === undefined) throw new ExportError("has no member named json");
  return { fragment, objects, isBare: false, ignored, oddities };
}

function checkObject(sha256: string, size: number, name: string, limits: ExportLimits): void {
  if (!/^[0-9a-f]{64}$/.test(sha256)) throw new ExportError("is not named by a sha256", name);
  if (size > limits.object) throw new ExportError(`is larger than ${limits.object} bytes`, name);
}

/** @throws ExportError when the content of an object is not what its name says */
export async function checkContent(
  sha256: string,
  _size: number,
  content: AsyncIterable<Uint8Array>,
): Promise<void> {
  const hash = createHash("sha256");
  for await (const chunk of content) hash.update(chunk);
  const actual = hash.digest("hex");
  if (actual !== sha256) throw new ExportError(`has the content of ${actual}`, `objects/${sha256}`);
}

async function collect(
  content: AsyncIterable<Uint8Array>,
  limit: number,
  member?: string,
): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of content) {
    length += chunk.length;
    if (length > limit) throw new ExportError(`is larger than ${limit} bytes`, member);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
