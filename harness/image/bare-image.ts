import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Engine, FindOptions } from "../engine/engine.ts";
import { TOOLS_LABEL } from "../engine/labels.ts";
import { ensureDerivedImage } from "./derived-image.ts";
import { BARE_TAG, ensureReferenceImage } from "./reference-image.ts";
import { PROJECT } from "./sources.ts";

/** Set on a bare image: the hash of what it was made with. */
const BARE_LABEL = "pvh.bare";
const SCRIPT = "make-bare.sh";

/**
 * The reference appengine as published images are: busybox in place of Debian's tools. Every check
 * has the same verdict on it, or pvh asks too much of an image.
 *
 * @returns name of the image; made when the engine does not have it
 * @throws PvhError PVH_BUILD, PVH_NO_SPACE, PVH_ENGINE, PVH_ABORTED
 */
export async function ensureBareImage(engine: Engine, options: FindOptions = {}): Promise<string> {
  const reference = await ensureReferenceImage(engine, options);
  const file = join(PROJECT, "containers/appengine", SCRIPT);
  const content = createHash("sha256")
    .update(reference.content)
    .update(await readFile(file))
    .digest("hex");
  const ref = `${reference.ref}-bare-${content.slice(0, 8)}`;
  const dockerfile = [
    `FROM ${reference.ref}`,
    `COPY ${SCRIPT} /run/${SCRIPT}`,
    `RUN ["/bin/sh", "/run/${SCRIPT}"]`,
    // The tools that the reference has are gone.
    `LABEL ${TOOLS_LABEL}=`,
  ];
  const files = new Map([[SCRIPT, { file }]]);
  await ensureDerivedImage(engine, { ref, label: BARE_LABEL, content, dockerfile, files }, options);
  const [repo = "", tag = ""] = BARE_TAG.split(":");
  await engine.docker.getImage(ref).tag({ repo, tag });
  return ref;
}
