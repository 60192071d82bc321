import { createWriteStream } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Engine } from "../engine/engine.ts";
import { engineError } from "../engine/engine-error.ts";
import { PvhError } from "../errors.ts";
import { machineError } from "../machine-error.ts";
import { messageOfThrown } from "../thrown.ts";

/**
 * Write an image of the engine as `docker save` does. The file is whole, or not there.
 * @throws PvhError PVH_ENGINE, PVH_IMAGE_MISSING, PVH_NO_SPACE, PVH_ABORTED; PVH_USAGE for a folder
 *         that is not there
 */
export async function saveImage(
  engine: Engine,
  ref: string,
  path: string,
  signal: AbortSignal,
): Promise<void> {
  const archive = await engine.docker
    .getImage(ref)
    .get()
    .catch((error: unknown) => {
      throw engineError(error, ref);
    });
  const part = `${path}.part`;
  try {
    await pipeline(Readable.from(archive), createWriteStream(part), { signal });
    await rename(part, path);
  } catch (cause) {
    await rm(part, { force: true });
    if (signal.aborted) throw new PvhError("PVH_ABORTED", `cancelled: writing ${path}`, { cause });
    const isNoFolder = (cause as NodeJS.ErrnoException).code === "ENOENT";
    const code = machineError(cause)?.code ?? (isNoFolder ? "PVH_USAGE" : "PVH_ENGINE");
    throw new PvhError(code, `${path} cannot be written: ${messageOfThrown(cause)}`, { cause });
  }
}
