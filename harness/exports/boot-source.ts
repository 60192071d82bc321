import type { Engine, FindOptions } from "../engine/engine.ts";
import { ensureStockedImage } from "../image/stocked-image.ts";
import { ensureExports, ensureLeanExports } from "./examples.ts";
import type { Wanted } from "./examples.ts";

/** Image and exports that an appengine boots from. */
export interface BootSource {
  readonly image: string;
  /** Paths of pvrexports. */
  readonly exports: readonly string[];
}

/**
 * Image and exports for an appengine with these containers. The reference boots from an image whose
 * object store has the root file systems, and from exports without them. Otherwise 20 MB would
 * travel, be hashed and be written in each boot. All other images get whole exports.
 *
 * @throws what ensureExports() and ensureStockedImage() throw
 */
export async function bootSource(
  engine: Engine,
  { image, reference }: { readonly image: string; readonly reference: boolean },
  wanted: readonly Wanted[],
  options: FindOptions = {},
): Promise<BootSource> {
  if (wanted.length === 0) return { image, exports: [] };
  if (!reference) return { image, exports: await ensureExports(engine, wanted, options) };
  const { exports, roots } = await ensureLeanExports(engine, wanted, options);
  if (roots.size === 0) return { image, exports };
  return { image: await ensureStockedImage(engine, image, roots, options), exports };
}
