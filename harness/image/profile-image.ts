import { createHash } from "node:crypto";
import type { Engine, FindOptions } from "../engine/engine.ts";
import { ensureDerivedImage } from "./derived-image.ts";

/** Set on an image that deviates by itself: the hash of what it was made with. */
const PROFILE_LABEL = "pvh.profile";

/**
 * A reference image that deviates in every container that is made of it, so that it can be judged
 * like anyone's image.
 *
 * @param image names the content that it is made from
 * @param profile name of the quirks
 * @returns name of the image; made when the engine does not have it
 * @throws PvhError PVH_NO_SPACE, PVH_ENGINE, PVH_ABORTED
 */
export async function ensureProfileImage(
  engine: Engine,
  image: string,
  profile: { readonly name: string; readonly quirks: readonly string[] },
  options: FindOptions = {},
): Promise<string> {
  const quirks = profile.quirks.join(",");
  const content = createHash("sha256").update(`${image}\n${quirks}`).digest("hex");
  const ref = `${image}-${profile.name}-${content.slice(0, 8)}`;
  const dockerfile = [`FROM ${image}`, `ENV PVH_QUIRKS=${quirks}`];
  await ensureDerivedImage(
    engine,
    { ref, label: PROFILE_LABEL, content, dockerfile, files: new Map() },
    options,
  );
  return ref;
}
