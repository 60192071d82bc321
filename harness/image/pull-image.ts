import { text } from "node:stream/consumers";
import pRetry from "p-retry";
import { engineError } from "../engine/engine-error.ts";
import type { Engine } from "../engine/engine.ts";
import type { CacheOptions } from "./layer-cache.ts";
import { parseLoad } from "./load-stream.ts";

/** Pulls after the first one that failed, each after a pause twice as long as the one before. */
const RETRIES = 3;
/** Milliseconds of the first pause. */
const PAUSE = 1_000;

/**
 * Have the engine pull an image. A registry that fails for a moment is asked again; what it does
 * not have, and an engine that is gone, are not.
 *
 * @param pause milliseconds before the second pull
 * @throws PvhError of the engine, with the registry's words
 */
export async function pullImage(
  engine: Engine,
  ref: string,
  { signal, progress }: CacheOptions,
  pause = PAUSE,
): Promise<void> {
  const pull = (): Promise<void> =>
    pullOnce(engine, ref).catch((error: unknown) => {
      throw engineError(error, ref);
    });
  await pRetry(pull, {
    retries: RETRIES,
    minTimeout: pause,
    signal,
    shouldRetry: ({ error }) => "code" in error && error.code === "PVH_ENGINE",
    onFailedAttempt: ({ error, retriesLeft }) => {
      if (retriesLeft > 0) progress(`pulling ${ref} failed: ${error.message}`);
    },
  });
}

/** A failure on the way travels inside the answer, whose status is 200 all the same. */
async function pullOnce({ docker }: Engine, ref: string): Promise<void> {
  const answer: NodeJS.ReadableStream = await docker.pull(ref);
  const { error } = parseLoad(await text(answer));
  if (error !== undefined) throw new Error(error);
}
