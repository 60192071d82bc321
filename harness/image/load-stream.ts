import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import * as z from "zod";
import type { Engine } from "../engine/engine.ts";

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
  const broken = new Promise<never>((_, reject) => archive.once("error", reject));
  const answer = engine.docker.loadImage(archive, { quiet: true });
  return parseLoad(await text(await Promise.race([answer, broken])));
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
