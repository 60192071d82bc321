import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import * as z from "zod";
import type { Engine } from "../engine/engine.ts";
import { engineError } from "../engine/engine-error.ts";
import { PvhError } from "../errors.ts";

/** Result of a load: names or ids of the loaded images, or the engine's reason for refusing. */
export interface LoadResult {
  readonly references: readonly string[];
  readonly error: string | undefined;
}

const line = z.object({
  stream: z.string().optional(),
  error: z.string().optional(),
  errorDetail: z.object({ message: z.string() }).optional(),
});

/**
 * Give an image archive to the engine. An engine's refusal travels inside the answer, whose
 * status is 200 all the same.
 */
export async function loadArchive(engine: Engine, archive: Readable): Promise<LoadResult> {
  return give(archive, engine.docker.loadImage(archive, { quiet: true }));
}

/** @param request sends the stream and has the engine's answer */
async function give(
  stream: Readable,
  request: Promise<NodeJS.ReadableStream>,
): Promise<LoadResult> {
  const broken = new Promise<never>((_, reject) => stream.once("error", reject));
  return parseLoad(await text(await Promise.race([request, broken])));
}

/**
 * Make an image of what a stream brings; the signal breaks it off.
 * @param names.doing,names.subject what is done, and to what, in messages
 * @throws PvhError PVH_ABORTED, PVH_NO_SPACE, PVH_ENGINE
 */
export async function makeImage(
  stream: Readable,
  request: Promise<NodeJS.ReadableStream>,
  signal: AbortSignal,
  names: { readonly doing: string; readonly subject: string },
): Promise<void> {
  const stop = () => stream.destroy(new Error("aborted"));
  signal.addEventListener("abort", stop);
  try {
    const { error } = await give(stream, request);
    if (error !== undefined) throw new Error(error);
  } catch (error) {
    if (signal.aborted) {
      throw new PvhError("PVH_ABORTED", `cancelled while ${names.doing}`, { cause: error });
    }
    throw engineError(error, names.subject);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

/** @param answer JSON objects, one a line */
export function parseLoad(answer: string): LoadResult {
  const references: string[] = [];
  let error: string | undefined;
  for (const item of answer.split("\n")) {
    if (item.trim() === "") continue;
    const said = parse(item);
    error ??= said.errorDetail?.message ?? said.error;
    const loaded = /^Loaded image(?: ID)?: (\S+)/.exec(said.stream ?? "")?.[1];
    if (loaded !== undefined) references.push(loaded);
  }
  return { references, error };
}

function parse(item: string): z.infer<typeof line> {
  try {
    return line.parse(JSON.parse(item));
  } catch {
    return { error: item };
  }
}
