import type { Engine } from "../engine/engine.ts";
import { engineError, isNotFound } from "../engine/engine-error.ts";

/** @returns the id of an image, undefined when the engine does not have it */
export async function imageIdOf(engine: Engine, ref: string): Promise<string | undefined> {
  try {
    return (await engine.docker.getImage(ref).inspect()).Id;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw engineError(error, ref);
  }
}
