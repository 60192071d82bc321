import { createGunzip, createZstdDecompress } from "node:zlib";
import { messageOf } from "../message-of.ts";
import { ExportError } from "./export-error.ts";

const CHUNK = 1024 ** 2;
/** Programs that compress in parallel write one each few megabytes. */
const MOST_FRAMES = 10_000;

const DECODERS = {
  gzip: () => createGunzip({ chunkSize: CHUNK }),
  zstd: () => createZstdDecompress({ chunkSize: CHUNK }),
};
export type NodeCompression = keyof typeof DECODERS;

/**
 * Decompress to the end of the source. Node's decoders end at what they take for the end and
 * leave the rest alone, which for zstd is the end of the first frame; then another one goes on.
 * @throws ExportError for damaged input
 */
export async function* decoded(
  compression: NodeCompression,
  source: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  const chunks = source[Symbol.asyncIterator]();
  let rest: Uint8Array | undefined = await nextOf(chunks);
  for (let frames = 1; rest !== undefined; frames += 1) {
    if (frames > MOST_FRAMES) throw new ExportError(`holds more than ${MOST_FRAMES} frames`);
    // gzip itself passes over zeros behind its last member.
    if (frames > 1 && compression === "gzip") return onlyZeros(rest, chunks);
    rest = yield* oneFrame(compression, rest, chunks);
  }
}

/** @returns the input behind the end of the frame; undefined at the end of the source */
async function* oneFrame(
  compression: NodeCompression,
  first: Uint8Array,
  chunks: AsyncIterator<Uint8Array>,
): AsyncGenerator<Uint8Array, Uint8Array | undefined> {
  const decoder = DECODERS[compression]();
  let isOver = false;
  const over = new Promise<void>((resolve) => {
    const end = () => {
      isOver = true;
      resolve();
    };
    decoder.once("end", end).once("close", end);
  });
  const feed = async (): Promise<Uint8Array | undefined> => {
    let fed = 0;
    for (
      let chunk: Uint8Array | undefined = first;
      chunk !== undefined;
      chunk = await nextOf(chunks)
    ) {
      const bytes = chunk;
      fed += bytes.length;
      // A chunk that holds the end is not taken whole, and perhaps never answered.
      await Promise.race([new Promise((resolve) => void decoder.write(bytes, resolve)), over]);
      if (fed > decoder.bytesWritten) return bytes.subarray(decoder.bytesWritten - fed);
      if (isOver) return undefined;
    }
    decoder.end();
    return undefined;
  };
  const feeding = feed();
  feeding.catch((error: unknown) => decoder.destroy(error as Error));
  try {
    yield* decoder as AsyncIterable<Uint8Array>;
    return await feeding;
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    if (!/^Z_|^ZSTD_/.test(code)) throw error;
    throw new ExportError(`is damaged (${compression}): ${messageOf(error)}`);
  } finally {
    decoder.destroy();
  }
}

async function onlyZeros(first: Uint8Array, chunks: AsyncIterator<Uint8Array>): Promise<void> {
  for (
    let chunk: Uint8Array | undefined = first;
    chunk !== undefined;
    chunk = await nextOf(chunks)
  ) {
    if (chunk.some((byte) => byte !== 0)) {
      throw new ExportError("is damaged (gzip): there is more after its end");
    }
  }
}

async function nextOf(chunks: AsyncIterator<Uint8Array>): Promise<Uint8Array | undefined> {
  const next = await chunks.next();
  return next.done === true ? undefined : next.value;
}
