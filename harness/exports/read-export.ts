import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { open } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { PvhError } from "../errors.ts";
import { isJsonObject } from "./json-value.ts";
import type { JsonObject } from "./json-value.ts";
import { TarError, tarMembers } from "./tar-members.ts";
import type { TarMember } from "./tar-members.ts";

/** Bytes, and a count. Beyond these a file is refused before it fills a disk or the memory. */
export const EXPORT_LIMITS = {
  json: 8 * 1024 * 1024,
  object: 2 * 1024 ** 3,
  total: 4 * 1024 ** 3,
  members: 4096,
} as const;
export type ExportLimits = Readonly<Record<keyof typeof EXPORT_LIMITS, number>>;

export interface ReadExport {
  /** The state fragment, keys in their textual order. */
  readonly fragment: JsonObject;
  /** sha256 → bytes; each content was checked against its name. */
  readonly objects: ReadonlyMap<string, number>;
  /** Members that Pantavisor passes over. */
  readonly ignored: readonly string[];
}

const SHA256 = /^[0-9a-f]{64}$/;

/**
 * Read a pvrexport, gzipped or plain, without writing anything anywhere. Never trusts it: links,
 * devices, names that leave the archive, duplicates and wrong contents are refused.
 *
 * @throws PvhError PVH_BAD_EXPORT naming the file and the member
 */
export async function readExport(
  path: string,
  options: { readonly signal?: AbortSignal; readonly limits?: ExportLimits } = {},
): Promise<ReadExport> {
  const limits = options.limits ?? EXPORT_LIMITS;
  const file = await openRegular(path);
  try {
    const magic = Buffer.alloc(2);
    await file.read(magic, 0, 2, 0);
    const source = file.createReadStream({ start: 0, autoClose: false, highWaterMark: 1 << 20 });
    const read = (bytes: AsyncIterable<Uint8Array>) => readMembers(bytes, limits);
    const signal = options.signal ? { signal: options.signal } : {};
    return magic.equals(GZIP_MAGIC)
      ? await pipeline(source, createGunzip({ chunkSize: 1 << 20 }), read, signal)
      : await pipeline(source, read, signal);
  } catch (error) {
    if (options.signal?.aborted === true) {
      throw new PvhError("PVH_ABORTED", `cancelled while reading ${path}`, { cause: error });
    }
    throw badExport(path, error);
  } finally {
    await file.close();
  }
}

const GZIP_MAGIC = Buffer.from([0x1f, 0x8b]);

async function readMembers(
  source: AsyncIterable<Uint8Array>,
  limits: ExportLimits,
): Promise<ReadExport> {
  let fragment: JsonObject | undefined;
  const objects = new Map<string, number>();
  const ignored: string[] = [];
  const seen = new Set<string>();
  let total = 0;
  for await (const member of tarMembers(source)) {
    const { name } = member;
    checkMember(member, limits);
    total += member.size;
    if (total > limits.total) throw new TarError(`more than ${limits.total} bytes`, name);
    if (seen.has(name)) throw new TarError("a second member of this name", name);
    seen.add(name);
    if (seen.size > limits.members) throw new TarError(`more than ${limits.members} members`);
    if (member.type === "directory") continue;
    if (name === "json") fragment = await readFragment(member);
    else if (name.startsWith("objects/")) objects.set(name.slice(8), await checkObject(member));
    else ignored.push(name);
  }
  if (fragment === undefined) throw new TarError("there is no member json");
  return { fragment, objects, ignored };
}

function checkMember({ name, type, size }: TarMember, limits: ExportLimits): void {
  const path = type === "directory" ? name.replace(/\/$/, "") : name;
  const problem = unsafePath(path);
  if (problem !== undefined) throw new TarError(problem, name);
  if (type !== "file" && type !== "directory") throw new TarError(`is a ${type}`, name);
  if (type === "directory") return;
  if (name === "json" && size > limits.json) {
    throw new TarError(`${size} bytes; at most ${limits.json} are read`, name);
  }
  if (size > limits.object) {
    throw new TarError(`${size} bytes; at most ${limits.object} are read`, name);
  }
  // The real pvtx takes members by the beginning of their names (docs/pantavisor.md §1.1).
  if (name.startsWith("objects/") && !SHA256.test(name.slice("objects/".length))) {
    throw new TarError("an object's name must be 64 lower-case hexadecimal digits", name);
  }
  if (name !== "json" && name.startsWith("json")) {
    throw new TarError("pvtx may take this member for json", name);
  }
}

/** @returns what is wrong with a path that has to stay inside, or undefined */
function unsafePath(path: string): string | undefined {
  if (path.startsWith("/")) return "an absolute path";
  if (path.split("/").includes("..")) return "a path that leads out of the archive";
  if (path === "" || /[\0\n\uFFFD]/.test(path) || path.split("/").includes("")) {
    return "not a usable path";
  }
  return undefined;
}

async function readFragment(member: TarMember): Promise<JsonObject> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of member.content) chunks.push(chunk);
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(Buffer.concat(chunks)));
  } catch (error) {
    // V8 quotes the text around the error, which may hold anything; the position is enough.
    const position = /at position \d+/.exec((error as Error).message)?.[0] ?? "";
    throw new TarError(`not JSON ${position}`.trim(), member.name);
  }
  if (!isJsonObject(value)) throw new TarError("not a JSON object", member.name);
  if (typeof value["#spec"] !== "string") throw new TarError("has no #spec", member.name);
  for (const [key, content] of Object.entries(value)) checkKey(key, content, member.name);
  return value;
}

/** Keys become file names below the revision, strings become links to objects. */
function checkKey(key: string, value: unknown, member: string): void {
  const problem = unsafePath(key);
  if (problem !== undefined) throw new TarError(`key ${JSON.stringify(key)} is ${problem}`, member);
  if (key === "#spec" || (typeof value === "object" && value !== null)) return;
  if (typeof value !== "string" || !SHA256.test(value)) {
    throw new TarError(`key ${JSON.stringify(key)} is neither JSON nor an object's sha256`, member);
  }
}

async function checkObject(member: TarMember): Promise<number> {
  const hash = createHash("sha256");
  for await (const chunk of member.content) hash.update(chunk);
  const found = hash.digest("hex");
  if (`objects/${found}` === member.name) return member.size;
  throw new TarError(`its content has the sha256 ${found}`, member.name);
}

async function openRegular(path: string): Promise<FileHandle> {
  let file: FileHandle | undefined;
  try {
    // Without O_NONBLOCK a fifo of that name would hold us until somebody writes to it.
    file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    if ((await file.stat()).isFile()) return file;
    throw new Error("not a regular file");
  } catch (error) {
    await file?.close();
    throw badExport(path, error);
  }
}

function badExport(path: string, error: unknown): PvhError {
  const member = error instanceof TarError ? error.member : undefined;
  const where = member === undefined ? path : `${path}, member ${JSON.stringify(member)}`;
  return new PvhError("PVH_BAD_EXPORT", `${where}: ${(error as Error).message}`, {
    hint: `make the export again; tar -tvf ${path} lists what is in it`,
    cause: error,
  });
}
