import type { Engine, FindOptions } from "../engine/engine.ts";
import { hasTools, TOOLS_LABEL } from "../engine/labels.ts";
import { ensureDerivedImage } from "./derived-image.ts";
import type { ImageFacts } from "./image-facts.ts";
import { EQUIPPED_REPOSITORY } from "./reference-image.ts";
import { ensureToolbox } from "./toolbox.ts";

/**
 * An image with pvh's tools in a folder of their own; nothing else of it is changed. Nothing but
 * /bin/sh is asked of an image that pvh judges: a published one has no lxc-attach, nc or python3.
 *
 * @param image its id and its labels
 * @returns name of the image to boot, which is `image.ref` when that has all tools
 * @throws PvhError PVH_ENGINE, PVH_NO_SPACE, PVH_BUILD, PVH_ABORTED
 */
export async function ensureEquippedImage(
  engine: Engine,
  image: { readonly ref: string; readonly id: string; readonly labels: ImageFacts["labels"] },
  options: FindOptions = {},
): Promise<string> {
  if (hasTools(image.labels)) return image.ref;
  const toolbox = await ensureToolbox(engine, options);
  const content = toolbox.digest;
  const ref = `${EQUIPPED_REPOSITORY}:${image.id.replace("sha256:", "").slice(0, 12)}-${content.slice(0, 8)}`;
  const files = new Map([["tools.tar", { file: toolbox.path }]]);
  const dockerfile = [`FROM ${image.id}`, "ADD tools.tar /"];
  await ensureDerivedImage(
    engine,
    { ref, label: TOOLS_LABEL, content, dockerfile, files },
    options,
  );
  return ref;
}
