import { createHash } from "node:crypto";
import { STORAGE } from "../appengine/layout.ts";
import type { Engine, FindOptions } from "../engine/engine.ts";
import { STOCK_LABEL } from "../engine/labels.ts";
import { ensureDerivedImage } from "./derived-image.ts";

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
  const content = createHash("sha256").update(names.join("\n")).digest("hex");
  const ref = `${image}-${content.slice(0, 8)}`;
  const files = new Map([...objects].map(([sha256, file]) => [`objects/${sha256}`, file]));
  const dockerfile = [`FROM ${image}`, `COPY objects ${STORAGE}/objects`];
  await ensureDerivedImage(
    engine,
    { ref, label: STOCK_LABEL, content, dockerfile, files },
    options,
  );
  return ref;
}
