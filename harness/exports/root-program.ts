import { createWriteStream } from "node:fs";
import type { Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { engineError } from "../engine/engine-error.ts";
import type { Engine } from "../engine/engine.ts";
import { openStream } from "../engine/streams.ts";
import { IDLE_ENTRY, withTemporaryContainer } from "../engine/temporary-container.ts";
import { PvhError } from "../errors.ts";

/** A program of an image that writes a root file system to its standard output. */
export interface RootProgram {
  readonly image: string;
  readonly argv: readonly string[];
  /** Writes its standard input, and ends it. */
  readonly feed: (input: Writable) => Promise<void> | void;
  /** Error for a program that fails, with its last words. */
  readonly failed: (code: number, words: string) => PvhError;
  /** Name in errors of the engine. */
  readonly subject: string;
}

/** Last lines of its words that an error quotes. */
const QUOTED = 8;

/**
 * Run it in a container that is removed, and keep what it writes.
 * @param path of the root file system
 * @throws PvhError that of `failed`, PVH_ABORTED, or one of the engine
 */
export async function runRootProgram(
  engine: Engine,
  { image, argv, feed, failed, subject }: RootProgram,
  path: string,
  signal: AbortSignal,
): Promise<void> {
  const said: string[] = [];
  try {
    const idle = { Image: image, Entrypoint: IDLE_ENTRY, HostConfig: { Init: true } };
    await withTemporaryContainer(engine, idle, async (container) => {
      await container.start();
      const stream = await openStream(container, argv, { onStderr: (line) => said.push(line) });
      await Promise.all([feed(stream), pipeline(stream, createWriteStream(path), { signal })]);
      const code = await stream.exitCode();
      if (code !== 0) throw failed(code, said.slice(-QUOTED).join("\n"));
    });
  } catch (error) {
    if (!signal.aborted) throw engineError(error, subject);
    throw new PvhError("PVH_ABORTED", "cancelled while making a root file system", {
      cause: error,
    });
  }
}
