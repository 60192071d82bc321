import { createReadStream, openSync, readdirSync, fstatSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import type { ObjectCatalogue } from "../control/pantavisor-view.ts";
import type { Quirks } from "../../shared/quirks/quirks.ts";
import { ObjectRefused, objectStore } from "./pvtx/object-store.ts";

/** storage/objects as pv-ctrl offers it (docs/pantavisor.md §3.3). */
export function openObjectCatalogue(folder: string, quirks: Quirks): ObjectCatalogue {
  const store = objectStore(folder, !quirks.has("object-unverified"));
  return {
    list: () => listObjects(folder),
    read(sha256) {
      try {
        const fd = openSync(store.pathOf(sha256), "r");
        return { content: createReadStream("", { fd }), size: fstatSync(fd).size };
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
        throw error;
      }
    },
    async put(sha256, size, content) {
      try {
        await store.put(sha256, size, content);
        return "stored";
      } catch (error) {
        if (error instanceof ObjectRefused) return error.why;
        throw error;
      }
    },
  };
}

/**
 * Remove the objects that no state refers to.
 * @returns bytes of what was removed; hard links in a revision's folder keep theirs
 */
export function collectGarbage(folder: string, states: readonly unknown[]): number {
  const used = new Set(
    states.flatMap((state) =>
      typeof state === "object" && state !== null ? (Object.values(state) as unknown[]) : [],
    ),
  );
  const garbage = listObjects(folder).filter(({ sha256 }) => !used.has(sha256));
  for (const { sha256 } of garbage) rmSync(join(folder, sha256), { force: true });
  return garbage.reduce((sum, { size }) => sum + size, 0);
}

function listObjects(folder: string): { sha256: string; size: number }[] {
  return readdirSync(folder)
    .filter((name) => /^[0-9a-f]{64}$/.test(name))
    .sort()
    .flatMap((sha256) => {
      const size = statSync(join(folder, sha256), { throwIfNoEntry: false })?.size;
      return size === undefined ? [] : [{ sha256, size }];
    });
}
