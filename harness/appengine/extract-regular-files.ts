import { mkdir, open } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { extract } from "tar-stream";
import type { Header } from "tar-stream";
import { HarmlessNames, quotedName } from "./harmless-names.ts";
import { LeftOut, NO_FILE } from "./left-out.ts";

/** Most that is kept of a log tree; a container can write without end. */
export interface Limits {
  readonly files: number;
  /** Bytes of one file. */
  readonly file: number;
  /** Bytes in all. */
  readonly bytes: number;
}

export const LIMITS: Limits = { files: 2_000, file: 16 << 20, bytes: 128 << 20 };

interface Entry extends AsyncIterable<unknown> {
  readonly header: Header;
}

interface Kept {
  /** Path in the folder. */
  readonly path: string;
  /** Name that the container gave it. */
  readonly name: string;
  readonly bytes: number;
  /** Size of the original file in bytes. */
  readonly of: number;
}

/**
 * Regular files of archives, unpacked below a folder under harmless names. Everything else
 * (links, devices, FIFOs) and what goes beyond the limits is counted and told: the archives were
 * made by hostile containers.
 */
export class ExtractedFiles {
  readonly leftOut = new LeftOut();
  readonly #folder: string;
  readonly #limits: Limits;
  readonly #names = new HarmlessNames();
  readonly #kept = new Map<string, Kept>();
  #bytes = 0;

  constructor(folder: string, limits = LIMITS) {
    this.#folder = folder;
    this.#limits = limits;
  }

  get count(): number {
    return this.#kept.size;
  }

  /**
   * Take the files of one archive, but for those that an earlier one had.
   * @param under the folder that the archive's names are relative to
   * @param wanted names of files; default all. Others are not counted as left out.
   */
  async take(
    archive: NodeJS.ReadableStream | AsyncIterable<Uint8Array>,
    under = "",
    wanted?: readonly string[],
  ): Promise<void> {
    const entries = extract();
    const feeding = pipeline(archive, entries);
    // An error that ends the loop below rejects this promise too; only the loop reports it.
    feeding.catch(() => undefined);
    for await (const entry of entries) {
      const { name } = entry.header;
      if (wanted?.includes(basename(name)) ?? true) await this.#take(entry, `${under}${name}`);
      entry.resume();
    }
    await feeding;
  }

  /** Lines of an index: each file that has another name or is not whole, and what is missing. */
  index(): string[] {
    const lines = [...this.#kept.values()].map(({ path, name, bytes, of }) => {
      const size = bytes === of ? `${bytes} bytes` : `the first ${bytes} of ${of} bytes`;
      return `${path}  ${size}${path === name ? "" : `  was ${quotedName(name)}`}`;
    });
    return [...lines, ...this.leftOut.details()];
  }

  async #take(entry: Entry, name: string): Promise<void> {
    const { type, size } = entry.header;
    if (type === "directory" || this.#kept.has(name)) return;
    const { files, bytes, file } = this.#limits;
    const room = Math.min(file, bytes - this.#bytes);
    const refused =
      type !== "file"
        ? `a ${type}${NO_FILE}`
        : this.#kept.size >= files
          ? `beyond ${files} files`
          : room <= 0 && size > 0
            ? `beyond ${bytes} bytes`
            : undefined;
    if (refused !== undefined) {
      this.leftOut.add(refused, name, size);
      return;
    }
    const path = this.#names.of(name);
    const written = await writeFirst(entry, join(this.#folder, path), room);
    this.#bytes += written;
    this.#kept.set(name, { path, name, bytes: written, of: size });
    if (written < size) this.leftOut.add("the rest of a large file", name, size - written);
  }
}

async function writeFirst(entry: Entry, path: string, room: number): Promise<number> {
  await mkdir(dirname(path), { recursive: true });
  await using file = await open(path, "wx", 0o644);
  let written = 0;
  for await (const chunk of entry) {
    const fits = (chunk as Buffer).subarray(0, room - written);
    if (fits.length > 0) await file.writeFile(fits);
    written += fits.length;
  }
  return written;
}
