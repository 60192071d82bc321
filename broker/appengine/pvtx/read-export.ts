import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import type { Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { extract } from "tar-stream";
import type { Header } from "tar-stream";
import { parseUntrusted } from "../../formats/json-depth.ts";
import type { ObjectStore } from "./object-store.ts";
import type { StateDocument } from "./state-merge.ts";

/**
 * Reading a pvrexport (docs/pantavisor.md §1.1): a tar, gzipped or not, with `json` and
 * `objects/<sha256>`, or the bare JSON of a fragment. The file is hostile: nothing is ever written
 * under a name it chose; only objects whose content matches their hash reach the store.
 */
const MAX_JSON_BYTES = 16 * 1024 * 1024;
/** Large reads: with 64 KiB every chunk costs a trip through the thread pool. */
const CHUNK_BYTES = 1024 * 1024;

/**
 * Store the export's objects and return its fragment.
 * @param source path, or "-" for standard input
 * @throws Error saying what is wrong with the export
 */
export async function readExport(source: string, store: ObjectStore): Promise<StateDocument> {
  const stdin = source === "-";
  const kind = stdin ? await peekKind(process.stdin) : await fileKind(source);
  const bytes: Readable = stdin
    ? process.stdin
    : createReadStream(source, { highWaterMark: CHUNK_BYTES });
  if (kind === "json") return parseFragment(await collect(bytes, "the file"));
  const tar = kind === "gzip" ? inflate(bytes) : bytes;
  return readTar(tar, store);
}

type Kind = "gzip" | "json" | "tar";

/** @param first byte: JSON may begin with white space or a byte order mark, the others do not */
function kindOf(first: number | undefined): Kind {
  if (first === 0x1f) return "gzip";
  return JSON_BEGINS.includes(first ?? 0) ? "json" : "tar";
}

/** The last is the first byte of a byte order mark. */
const JSON_BEGINS: readonly number[] = [...Buffer.from("{ \t\r\n"), 0xef];

async function fileKind(path: string): Promise<Kind> {
  await using file = await open(path);
  const head = Buffer.alloc(1);
  const { bytesRead } = await file.read(head, 0, 1, 0);
  if (bytesRead === 0) throw new Error("is empty");
  return kindOf(head[0]);
}

async function peekKind(stream: Readable): Promise<Kind> {
  for await (const chunk of stream.iterator({ destroyOnReturn: false })) {
    stream.unshift(chunk);
    return kindOf((chunk as Buffer)[0]);
  }
  throw new Error("is empty");
}

function inflate(bytes: Readable): Readable {
  const gunzip = createGunzip({ chunkSize: CHUNK_BYTES });
  bytes.once("error", (error) => gunzip.destroy(error));
  return bytes.pipe(gunzip);
}

async function readTar(tar: Readable, store: ObjectStore): Promise<StateDocument> {
  const members = extract();
  tar.once("error", (error) => members.destroy(error));
  tar.pipe(members);
  let fragment: StateDocument | undefined;
  for await (const member of members) {
    const { header } = member;
    const name = memberName(header);
    const object = /^objects\/([0-9a-f]{64})$/.exec(name)?.[1];
    if (name === "json") fragment = parseFragment(await collect(member, "member json"));
    else if (object !== undefined) await store.put(object, header.size, bytesOf(member));
    else if (name.startsWith("objects/") && header.type !== "directory") {
      throw new Error(`member ${JSON.stringify(name)} is not named by a sha256`);
    } else member.resume();
  }
  if (fragment === undefined) throw new Error("has no member named json");
  checkObjects(fragment, store);
  return fragment;
}

/** @throws Error for members that no honest export holds */
function memberName({ name, type, size }: Header): string {
  const shown = JSON.stringify(name);
  if (name.startsWith("/")) throw new Error(`member ${shown} has an absolute path`);
  if (name.split("/").includes("..")) throw new Error(`member ${shown} leaves the archive`);
  if (type !== "file" && type !== "contiguous-file" && type !== "directory") {
    throw new Error(`member ${shown} is a ${type}, not a file`);
  }
  if (!Number.isSafeInteger(size)) throw new Error(`member ${shown} has no sane size`);
  return name.replace(/^(\.\/)+/, "");
}

/** tar-stream's types leave open what its streams carry. */
function bytesOf(member: AsyncIterable<unknown>): AsyncIterable<Uint8Array> {
  return member as AsyncIterable<Uint8Array>;
}

async function collect(stream: AsyncIterable<unknown>, what: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > MAX_JSON_BYTES) throw new Error(`${what} is larger than ${MAX_JSON_BYTES} bytes`);
  }
  return Buffer.concat(chunks);
}

function parseFragment(bytes: Buffer): StateDocument {
  let value: unknown;
  try {
    // Takes a byte order mark away, and refuses what is not UTF-8 instead of changing it.
    value = parseUntrusted(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    throw new Error(`its json is not JSON: ${(error as Error).message}`, { cause: error });
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new Error("its json is not an object");
  }
  return value as StateDocument;
}

function checkObjects(fragment: StateDocument, store: ObjectStore): void {
  for (const [key, value] of Object.entries(fragment)) {
    if (key === "#spec" || typeof value !== "string") continue;
    if (!/^[0-9a-f]{64}$/.test(value)) throw new Error(`${key}: is not the sha256 of an object`);
    if (!store.has(value)) throw new Error(`${key}: its object ${value} is missing`);
  }
}
