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

/** Layers that stay. */
export interface Keeping {
  /** Part of a kind that has its own count, such as a container's; layers of others are not in its way. */
  readonly group: string;
  readonly keep: number;
}

/** Milliseconds after which a layer of another group goes: whatever wanted it has gone, too. */
const UNWANTED = 30 * 24 * 3600 * 1000;

/**
 * The layer whose inputs hash to `key`, made by `make` when it is not in the cache.
 *
 * A layer appears under its final name, which holds its digest, in one rename: a killed build
 * leaves nothing that looks finished. Builders of one kind wait for each other.
 *
 * @param kind folder in the cache
 * @param keep how many layers of this kind, or of a group of it, stay, the last used ones
 */
export async function cachedLayer(
  kind: string,
  key: string,
  keep: number | Keeping,
  make: (path: string) => Promise<void>,
  { signal, progress }: CacheOptions,
): Promise<Layer> {
  const folder = cacheFolder(kind);
  const group = typeof keep === "number" ? "" : `${keep.group}-`;
  const start = `${group}${key}`;
  const name = { folder, start, end: ".tar" };
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
        const count = typeof keep === "number" ? keep : keep.keep;
        await prune(folder, { group, keep: count }, start);
        return made;
      } finally {
        await rm(draft, { force: true });
      }
    },
    { signal, onWait: () => progress(`another pvh is making the ${kind} layer`) },
  );
}

/** @param made the new layer, which stays even if the clock was set back and it looks oldest */
async function prune(folder: string, { group, keep }: Keeping, made: string): Promise<void> {
  const names = (await readdir(folder)).filter(
    (name) => name.endsWith(".tar") && !name.startsWith(`${made}.`),
  );
  const aged = await Promise.all(
    names.map(async (name) => ({ name, used: (await stat(join(folder, name))).mtimeMs })),
  );
  aged.sort((a, b) => b.used - a.used);
  const own = aged.filter(({ name }) => name.startsWith(group));
  const unwanted = aged.filter(
    ({ name, used }) => !name.startsWith(group) && used < Date.now() - UNWANTED,
  );
  await Promise.all(
    [...own.slice(keep - 1), ...unwanted].map(({ name }) =>
      rm(join(folder, name), { force: true }),
    ),
  );
}
