import { printable } from "../formats/printable.ts";
import { ByteReader } from "./byte-reader.ts";
import { ExportError } from "./export-error.ts";
import { extend, nothingExtended } from "./extended-header.ts";
import type { Extended } from "./extended-header.ts";
import type { ExportLimits } from "./limits.ts";
import { memberName } from "./member-name.ts";
import { BLOCK, readHeader } from "./tar-header.ts";

/** A regular file of an archive. */
export interface TarFile {
  readonly name: string;
  /** Size in bytes. */
  readonly size: number;
  /** Content, which must be read, if at all, before the next file is asked for. */
  readonly content: AsyncIterable<Uint8Array>;
}

/** Feature of a tar that Pantavisor's pvtx would read in another way, or not at all. */
export type Oddity = "dot-slash" | "extended-name" | "no-end";
export type OnOddity = (oddity: Oddity, member: string) => void;

/** Writers fill their last record with zeros. */
const LONGEST_PADDING = 16 * 1024 ** 2;
const REGULAR = ["0", "\0", "7"];
const EXTENDED = ["x", "g", "L", "K"];
/** Words for the other type flags of POSIX, GNU, star and Solaris. */
const WORDS_FOR_TYPE: Readonly<Record<string, string>> = {
  "1": "hard link",
  "2": "symlink",
  "3": "character device",
  "4": "block device",
  "6": "fifo",
  D: "directory of an incremental backup",
  M: "part of a file that another archive begins",
  N: "list of long names",
  S: "sparse file",
  V: "volume label",
  X: "extended header of Solaris",
};

/**
 * The regular files of a tar that nobody vouches for, in order. Directories are passed over; all
 * else that is no file is refused, links first of all. An archive ends with two blocks of zeros;
 * one, or none, is taken as well, since nothing can follow. At most one chunk and one header are
 * in memory.
 *
 * @param onOddity called for what is read here and not by every reader
 * @throws ExportError; errors of the source pass through
 */
export async function* tarFiles(
  source: AsyncIterable<Uint8Array>,
  limits: ExportLimits,
  onOddity: OnOddity,
): AsyncGenerator<TarFile> {
  const bytes = new ByteReader(source, limits.total);
  let previous: string | undefined;
  let extended: Extended = nothingExtended;
  let names = 0;
  for (let members = 1; ; members += 1) {
    const block = await bytes.upTo(BLOCK);
    if (block.length < BLOCK || block.every((byte) => byte === 0)) {
      await checkEnd(bytes, block, previous, extended, onOddity);
      return;
    }
    if (members > limits.members)
      throw new ExportError(`holds more than ${limits.members} members`);
    const header = readHeader(block, previous);
    const { flag } = header;
    if (EXTENDED.includes(flag)) {
      const own = Buffer.from(header.name).toString("utf8");
      const content = await extendedContent(bytes, header.size, own, limits);
      extended = extend(extended, flag, content, own);
      previous = own;
      continue;
    }
    const name = memberName(extended.name ?? header.name, limits.name);
    if (Buffer.compare(Buffer.from(name), extended.name ?? header.name) !== 0) {
      onOddity("dot-slash", name);
    } else if (extended.name !== undefined) onOddity("extended-name", name);
    const size = extended.size ?? header.size;
    previous = name;
    extended = nothingExtended;
    names += name.length;
    if (names > limits.names)
      throw new ExportError(`holds names of more than ${limits.names} bytes`);
    if (size === undefined) throw new ExportError("has no sane size", name);
    // A file whose name ends with a slash is a directory of the time before type flags.
    if (flag === "5" || (REGULAR.includes(flag) && /\/$|^$/.test(name))) {
      if (size !== 0) throw new ExportError(`is a directory of ${size} bytes`, name);
      continue;
    }
    if (!REGULAR.includes(flag)) throw notAFile(flag, name);
    const content = bytes.content(size, name);
    yield { name, size, content };
    await drain(content);
    await drain(bytes.content(padding(size), name));
  }
}

async function extendedContent(
  bytes: ByteReader,
  size: number | undefined,
  name: string,
  limits: ExportLimits,
): Promise<Uint8Array> {
  if (size === undefined || size > limits.header) {
    throw new ExportError(`is an extended header of more than ${limits.header} bytes`, name);
  }
  const content = await bytes.upTo(size);
  if (content.length < size) throw new ExportError("is truncated", name);
  await drain(bytes.content(padding(size), name));
  return content;
}

function notAFile(flag: string, name: string): ExportError {
  const what = WORDS_FOR_TYPE[flag];
  const problem =
    what === undefined ? `has the unknown type ${printable(JSON.stringify(flag))}` : `is a ${what}`;
  return new ExportError(`${problem}, not a file`, name);
}

/** Reads to the end of the stream: a damaged trailer of the compression shows itself there. */
async function checkEnd(
  bytes: ByteReader,
  last: Uint8Array,
  previous: string | undefined,
  extended: Extended,
  onOddity: OnOddity,
): Promise<void> {
  if (previous === undefined && last.length < BLOCK) {
    throw new ExportError(last.length === 0 ? "is empty" : "is not a tar archive");
  }
  if (extended.flags.length > 0) throw new ExportError("has no member after it", previous);
  if (last.length === 0) {
    onOddity("no-end", previous ?? "");
    return;
  }
  let length = 0;
  for (
    let part: Uint8Array | undefined = last;
    part !== undefined;
    part = await bytes.some(1 << 16)
  ) {
    length += part.length;
    if (part.some((byte) => byte !== 0)) {
      const what = last.length < BLOCK ? "a truncated header" : "more after the end of the archive";
      throw new ExportError(`is followed by ${what}`, previous);
    }
    if (length > LONGEST_PADDING)
      throw new ExportError(`ends with more than ${LONGEST_PADDING} zeros`);
  }
}

async function drain(content: AsyncGenerator<Uint8Array>): Promise<void> {
  while ((await content.next()).done !== true);
}

function padding(size: number): number {
  return (BLOCK - (size % BLOCK)) % BLOCK;
}
