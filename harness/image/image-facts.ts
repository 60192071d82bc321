import type { Engine } from "../engine/engine.ts";
import { labelsOf } from "../engine/labels.ts";
import { engineError, isNotFound } from "../engine/engine-error.ts";

/** An image as the engine has it. */
export interface ImageFacts {
  readonly id: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** @returns undefined when the engine does not have the image */
export async function imageFacts(engine: Engine, ref: string): Promise<ImageFacts | undefined> {
  try {
    const { Id, Config } = await engine.docker.getImage(ref).inspect();
    return { id: Id, labels: labelsOf(Config) };
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw engineError(error, ref);
  }
}

/** @returns the id of an image, undefined when the engine does not have it */
export async function imageIdOf(engine: Engine, ref: string): Promise<string | undefined> {
  return (await imageFacts(engine, ref))?.id;
}
