import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { findCached, keepCached } from "../cached-file.ts";
import type { CachedFile } from "../cached-file.ts";
import { withFileLock } from "../engine/file-lock.ts";
import { cacheFolder } from "../engine/folders.ts";

/** An uncompressed layer tar on this machine; its digest is the layer's diff id. */
export type Layer = CachedFile;

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
  const name = { folder, start: key, end: ".tar" };
  const found = await findCached(name);
  if (found !== undefined) return found;
  return withFileLock(
    join(folder, "lock"),
    async () => {
      const meanwhile = await findCached(name);
      if (meanwhile !== undefined) return meanwhile;
      const draft = join(folder, "draft.tar");
      try {
        await rm(draft, { force: true });
        await make(draft);
        const made = await keepCached(draft, name);
        await prune(folder, keep, key);
        return made;
      } finally {
        await rm(draft, { force: true });
      }
    },
    { signal, onWait: () => progress(`another pvh is making the ${kind} layer`) },
  );
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
