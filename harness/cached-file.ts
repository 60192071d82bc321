import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readdir, rename, rm, stat, utimes } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { makeFolder } from "./make-folder.ts";

/** A file of a cache, whose name tells its content. */
export interface CachedFile {
  readonly path: string;
  /** SHA-256 of the content in hexadecimal. */
  readonly digest: string;
  readonly size: number;
}

/** Names of the files of one kind: START.DIGEST followed by END. */
export interface CachedName {
  readonly folder: string;
  readonly start: string;
  readonly end: string;
}

/** Paths of files whose content this process has read or written, with their inodes and sizes. */
const known = new Map<string, string>();

/**
 * A file of the cache, with its time of use set. One whose content is not what its name tells, because
 * it was cut or is another's, is removed and counts as missing. With `PVH_CACHE=off`, so does each one
 * that this process has not made.
 */
export async function findCached({
  folder,
  start,
  end,
}: CachedName): Promise<CachedFile | undefined> {
  makeFolder(folder);
  for (const name of await readdir(folder)) {
    if (!name.startsWith(`${start}.`) || !name.endsWith(end)) continue;
    const digest = name.slice(start.length + 1, name.length - end.length);
    if (!/^[0-9a-f]{64}$/.test(digest)) continue;
    // Another pvh may remove it at any moment: it counts as missing then.
    const found = await usable(join(folder, name), digest).catch(() => undefined);
    if (found !== undefined) return found;
  }
  return undefined;
}

async function usable(path: string, digest: string): Promise<CachedFile | undefined> {
  const identity = await identityOf(path);
  if (identity === undefined) return undefined;
  if (known.get(path) !== identity) {
    if (process.env["PVH_CACHE"] === "off") return undefined;
    if ((await digestOf(path)) !== digest) {
      await rm(path, { recursive: true, force: true });
      return undefined;
    }
    known.set(path, identity);
  }
  const now = new Date();
  await utimes(path, now, now);
  return { path, digest, size: (await stat(path)).size };
}

/** Give a finished draft, a file on the same file system, its name in the cache. */
export async function keepCached(
  draft: string,
  { folder, start, end }: CachedName,
): Promise<CachedFile> {
  const digest = await digestOf(draft);
  const path = join(folder, `${start}.${digest}${end}`);
  await rename(draft, path);
  const { size } = await stat(path);
  known.set(path, (await identityOf(path)) ?? "");
  return { path, digest, size };
}

/** @returns undefined for what is no file, or has gone */
function identityOf(path: string): Promise<string | undefined> {
  return stat(path).then(
    (facts) => (facts.isFile() ? `${facts.ino} ${facts.size}` : undefined),
    () => undefined,
  );
}

async function digestOf(path: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash);
  return hash.digest("hex");
}
