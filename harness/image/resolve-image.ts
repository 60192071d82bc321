import { stat } from "node:fs/promises";
import type { Engine, FindOptions } from "../engine/engine.ts";
import { PvhError } from "../errors.ts";
import { ensureEquippedImage } from "./equipped-image.ts";
import { imageFacts } from "./image-facts.ts";
import type { ImageFacts } from "./image-facts.ts";
import { loadImageTarball } from "./load-image.ts";
import { CONTENT_LABEL, ensureReferenceImage } from "./reference-image.ts";
import { refuseNoAppengine } from "./startable-image.ts";

/** The image that is judged, and the one that is booted for it. */
export interface ResolvedImage {
  /** Name under which it was asked for. */
  readonly ref: string;
  readonly id: string;
  /** Name of the image to boot: the same with pvh's tools in it. */
  readonly bootImage: string;
  /** True for an image that was made by `pvh build`: quirks and time scale act on it. */
  readonly reference: boolean;
}

/**
 * The image that `--image` names: a docker save tarball (loaded) or an image on the engine.
 * Without the option it is the reference appengine, made when needed.
 *
 * @throws PvhError PVH_USAGE for an invalid reference, PVH_IMAGE_MISSING, PVH_BAD_IMAGE, and the errors
 *         of making or loading an image
 */
export async function resolveImage(
  engine: Engine,
  image: string | undefined,
  options: FindOptions = {},
): Promise<ResolvedImage> {
  if (image === undefined) {
    const { ref, id } = await ensureReferenceImage(engine, options);
    return { ref, id, bootImage: ref, reference: true };
  }
  const { ref, id, labels } = await findImage(engine, image, options);
  const bootImage = await ensureEquippedImage(engine, { ref, id, labels }, options);
  await refuseNoAppengine(engine, { ref, bootImage }, options);
  return { ref, id, bootImage, reference: Object.hasOwn(labels, CONTENT_LABEL) };
}

async function findImage(
  engine: Engine,
  image: string,
  options: FindOptions,
): Promise<{ readonly ref: string } & ImageFacts> {
  if (await isTarball(image)) {
    const { ref, id } = await loadImageTarball(engine, image, options);
    const facts = await imageFacts(engine, id);
    return { ref, id, labels: facts?.labels ?? {} };
  }
  if (!/^\w[\w.:/@-]*$/.test(image)) {
    throw new PvhError(
      "PVH_USAGE",
      `'${image}' is neither a valid image name nor an existing file`,
      {
        hint: "name an image as docker images lists it, or a docker save tarball",
      },
    );
  }
  const facts = await imageFacts(engine, image);
  if (facts !== undefined) return { ref: image, ...facts };
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
