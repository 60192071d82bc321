import { stat } from "node:fs/promises";
import type { Engine, FindOptions } from "../engine/engine.ts";
import { PvhError } from "../errors.ts";
import { imageIdOf } from "./image-id.ts";
import { loadImageTarball } from "./load-image.ts";
import { ensureReferenceImage } from "./reference-image.ts";

/**
 * The image that `--image` names: a docker save tarball (loaded) or an image on the engine.
 * Without the option it is the reference appengine, made when needed.
 *
 * @throws PvhError PVH_USAGE for an invalid reference, PVH_IMAGE_MISSING, and the errors of making
 *         or loading an image
 */
export async function resolveImage(
  engine: Engine,
  image: string | undefined,
  options: FindOptions = {},
): Promise<{ readonly ref: string; readonly id: string }> {
  if (image === undefined) return ensureReferenceImage(engine, options);
  if (await isTarball(image)) return loadImageTarball(engine, image, options);
  if (!/^\w[\w.:/@-]*$/.test(image)) {
    throw new PvhError(
      "PVH_USAGE",
      `'${image}' is neither a valid image name nor an existing file`,
      {
        hint: "name an image as docker images lists it, or a docker save tarball",
      },
    );
  }
  const id = await imageIdOf(engine, image);
  if (id !== undefined) return { ref: image, id };
  throw new PvhError(
    "PVH_IMAGE_MISSING",
    `image ${image} is neither a file nor on the engine at ${engine.host}`,
    {
      hint: "pvh load TARBALL loads one; without --image the reference is used",
    },
  );
}

/** A path, or the name of a file; `pantavisor-appengine:1.0` and `repo/name` are references. */
async function isTarball(image: string): Promise<boolean> {
  if (/^\.{0,2}\/|\.(tar|tgz|tar\.gz)$/.test(image)) return true;
  return stat(image).then(
    (facts) => facts.isFile(),
    () => false,
  );
}
