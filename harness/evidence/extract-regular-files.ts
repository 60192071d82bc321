import { createWriteStream } from "node:fs";
import { mkdir } from "node:fs/promises";
import { dirname, join, normalize, sep } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { extract } from "tar-stream";

/** Bytes of one file that are kept; a container can write without end. */
const LARGEST_FILE = 16 * 1024 * 1024;

/**
 * Unpack the regular files of a tar below `folder`. Everything else (links, devices) and every
 * name that would leave the folder is passed over: the archive was made by hostile containers.
 */
export async function extractRegularFiles(
  archive: NodeJS.ReadableStream | AsyncIterable<Uint8Array>,
  folder: string,
): Promise<void> {
  const entries = extract();
  const feeding = pipeline(archive, entries);
  // What ends the loop below ends this too, and is told once.
  feeding.catch(() => undefined);
  for await (const entry of entries) {
    const name = normalize(entry.header.name);
    const inside = name !== ".." && !name.startsWith(`..${sep}`) && !name.startsWith(sep);
    if (entry.header.type !== "file" || !inside) {
      entry.resume();
      continue;
    }
    const path = join(folder, name);
    await mkdir(dirname(path), { recursive: true });
    await pipeline(Readable.from(entry), firstBytes, createWriteStream(path, { flags: "wx" }));
  }
  await feeding;
}

async function* firstBytes(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let left = LARGEST_FILE;
  for await (const chunk of source) {
    if (left > 0) yield chunk.subarray(0, left);
    left -= Math.min(left, chunk.length);
  }
}
