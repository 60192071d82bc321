import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readdir, rename, rm, stat, utimes } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { withFileLock } from "../engine/file-lock.ts";
import { cacheFolder } from "../engine/folders.ts";
import { makeFolder } from "../make-folder.ts";

/** An uncompressed layer tar on this machine. */
export interface Layer {
  readonly path: string;
  /** SHA-256 of the tar in hexadecimal: the layer's diff id. */
  readonly digest: string;
  readonly size: number;
}

export interface CacheOptions {
  readonly signal: AbortSignal;
  readonly progress: (line: string) => void;
}

/**
 * The layer whose inputs hash to `key`, made by `make` when it is not in the cache.
 *
 * A layer appears under its final name, which holds its digest, in one rename: a killed build
 * leaves nothing that looks finished. Builders of one kind wait for each other.
 *
 * @param kind folder in the cache
 * @param keep how many layers of this kind stay, the last used ones
 */
export async function cachedLayer(
  kind: string,
  key: string,
  keep: number,
  make: (path: string) => Promise<void>,
  { signal, progress }: CacheOptions,
): Promise<Layer> {
  const folder = cacheFolder(kind);
  const found = await lookUp(folder, key);
  if (found !== undefined) return found;
  return withFileLock(
    join(folder, "lock"),
    async () => {
      const meanwhile = await lookUp(folder, key);
      if (meanwhile !== undefined) return meanwhile;
      const draft = join(folder, "draft.tar");
      try {
        await rm(draft, { force: true });
        await make(draft);
        const digest = await sha256(draft);
        await rename(draft, join(folder, `${key}.${digest}.tar`));
      } finally {
        await rm(draft, { force: true });
      }
      await prune(folder, keep, key);
      const made = await lookUp(folder, key);
      if (made === undefined) throw new Error(`${folder} lost the layer ${key}`);
      return made;
    },
    { signal, onWait: () => progress(`another pvh is making the ${kind} layer`) },
  );
}

async function lookUp(folder: string, key: string): Promise<Layer | undefined> {
  makeFolder(folder);
  const name = (await readdir(folder)).find((file) => file.startsWith(`${key}.`));
  const digest = /\.([0-9a-f]{64})\.tar$/.exec(name ?? "")?.[1];
  if (name === undefined || digest === undefined) return undefined;
  const path = join(folder, name);
  const now = new Date();
  await utimes(path, now, now); // what prune() goes by
  return { path, digest, size: (await stat(path)).size };
}

/** @param made the new layer, which stays even if the clock was set back and it looks oldest */
async function prune(folder: string, keep: number, made: string): Promise<void> {
  const names = (await readdir(folder)).filter(
    (name) => name.endsWith(".tar") && !name.startsWith(`${made}.`),
  );
  const aged = await Promise.all(
    names.map(async (name) => ({ name, used: (await stat(join(folder, name))).mtimeMs })),
  );
  aged.sort((a, b) => b.used - a.used);
  await Promise.all(
    aged.slice(keep - 1).map(({ name }) => rm(join(folder, name), { force: true })),
  );
}

async function sha256(path: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash);
  return hash.digest("hex");
}
