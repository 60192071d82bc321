import { createHash } from "node:crypto";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pack } from "tar-stream";
import { STORAGE } from "../appengine/layout.ts";
import type { Engine, FindOptions } from "../engine/engine.ts";
import { withFileLock } from "../engine/file-lock.ts";
import { cacheFolder } from "../engine/folders.ts";
import { STOCK_LABEL } from "../engine/labels.ts";
import { PvhError } from "../errors.ts";
import { entry, fileEntry } from "./layer.ts";
import { makeImage } from "./load-stream.ts";
import { useImage } from "./reference-image.ts";

/** Images that this process has seen on an engine: it need not look again for each scenario. */
const seen = new WeakMap<Engine, Set<string>>();

/**
 * An image with objects in its object store. The engine copies them into the new volume of each
 * appengine, where an export need not bring them.
 *
 * @param image names the content that it is made from
 * @param objects files by the sha256 of their content, which is not verified
 * @returns name of the image; made when the engine does not have it
 * @throws PvhError PVH_ENGINE, PVH_NO_SPACE, PVH_ABORTED
 */
export async function ensureStockedImage(
  engine: Engine,
  image: string,
  objects: ReadonlyMap<string, { readonly file: string }>,
  options: FindOptions = {},
): Promise<string> {
  const names = [...objects.keys()].sort();
  const stock = createHash("sha256").update(names.join("\n")).digest("hex");
  const ref = `${image}-${stock.slice(0, 8)}`;
  const there = seen.get(engine) ?? new Set();
  seen.set(engine, there);
  if (there.has(ref)) return ref;
  if ((await useImage(engine, ref, STOCK_LABEL, stock)) !== undefined) {
    there.add(ref);
    return ref;
  }
  const { signal = new AbortController().signal, progress } = options;
  await withFileLock(
    join(cacheFolder("stock"), "lock"),
    async () => {
      if ((await useImage(engine, ref, STOCK_LABEL, stock)) !== undefined) return;
      const dockerfile = [
        `FROM ${image}`,
        `COPY objects ${STORAGE}/objects`,
        `LABEL ${STOCK_LABEL}=${stock}`,
      ];
      const context = contextOf(dockerfile.join("\n"), objects);
      const building = engine.docker.buildImage(context, { t: ref, networkmode: "none" });
      await makeImage(context, building, signal, { doing: `making ${ref}`, subject: ref });
    },
    { signal, onWait: () => progress?.("another pvh is stocking the image") },
  );
  if ((await useImage(engine, ref, STOCK_LABEL, stock)) === undefined) {
    throw new PvhError("PVH_ENGINE", `the engine does not have the image ${ref} after building it`);
  }
  return ref;
}

/** The build context: a Dockerfile and the objects under their names. */
function contextOf(
  dockerfile: string,
  objects: ReadonlyMap<string, { readonly file: string }>,
): Readable {
  const tar = pack();
  const fill = async (): Promise<void> => {
    await entry(tar, { name: "Dockerfile" }, Buffer.from(dockerfile));
    for (const [sha256, { file }] of objects) {
      const { size } = await stat(file);
      await fileEntry(tar, { name: `objects/${sha256}`, size }, file);
    }
    tar.finalize();
  };
  fill().catch((error: unknown) => tar.destroy(error as Error));
  return Readable.from(tar);
}
