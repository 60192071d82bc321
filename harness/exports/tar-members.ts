/**
 * A strict reader of tar streams that nobody vouches for. It keeps at most one chunk and one
 * header in memory, follows no link, and refuses what it does not understand, GNU long
 * names among it. Format: POSIX ustar; of extended headers (pax, IEEE Std 1003.1) it reads path
 * and size.
 */
export interface TarMember {
  readonly name: string;
  /** `file`, `directory`, or in words what else it is. */
  readonly type: string;
  readonly size: number;
  /** Must be read, if at all, before the next member is asked for. */
  readonly content: AsyncIterable<Uint8Array>;
}

/** What is wrong with the archive; `member` is the one it happened in or after. */
export class TarError extends Error {
  readonly member: string | undefined;
  constructor(message: string, member?: string) {
    super(message);
    this.member = member;
  }
}

const BLOCK = 512;
const LONGEST_PAX = 64 * 1024;
/** Writers fill their last record with zeros. */
const LONGEST_PADDING = 16 * 1024 * 1024;
const TYPES: Readonly<Record<string, string>> = {
  "\0": "file",
  "0": "file",
  "1": "hard link",
  "2": "symbolic link",
  "3": "character device",
  "4": "block device",
  "5": "directory",
  "6": "fifo",
  "7": "file",
};

/** @throws TarError; errors of the source pass through */
export async function* tarMembers(source: AsyncIterable<Uint8Array>): AsyncGenerator<TarMember> {
  const bytes = new ByteReader(source);
  let previous: string | undefined;
  let extended: Extended = {};
  for (;;) {
    const header = await bytes.take(BLOCK);
    if (header === undefined) {
      throw new TarError("truncated: the end of the archive is missing", previous);
    }
    if (header.every((byte) => byte === 0)) break;
    checkHeader(header, previous);
    const name = extended.path ?? nameOf(header);
    const size = extended.size ?? octal(header, 124, 12, name);
    const flag = String.fromCharCode(header[156] ?? 0);
    previous = name;
    if (flag === "x") {
      extended = await readExtended(bytes, size, name);
      continue;
    }
    extended = {};
    const type = TYPES[flag];
    if (type === undefined) {
      throw new TarError(`member type ${JSON.stringify(flag)} is not supported`, name);
    }
    // What is no file has no content, whatever its size field says (ustar).
    const content = bytes.chunks(type === "file" ? size : 0, name);
    yield { name, type, size, content };
    await drain(content);
    if (type === "file") await bytes.skip(padding(size), name);
  }
  await onlyZeros(bytes, previous);
}

class ByteReader {
  readonly #source: AsyncIterator<Uint8Array>;
  #chunk: Uint8Array = new Uint8Array();

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /** At most `limit` bytes of what is at hand; undefined at the end of the stream. */
  async some(limit: number): Promise<Uint8Array | undefined> {
    while (this.#chunk.length === 0) {
      const next = await this.#source.next();
      if (next.done === true) return undefined;
      this.#chunk = next.value;
    }
    const part = this.#chunk.subarray(0, limit);
    this.#chunk = this.#chunk.subarray(part.length);
    return part;
  }

  /** Exactly `length` bytes; undefined when the stream ends first. */
  async take(length: number): Promise<Uint8Array | undefined> {
    const whole = new Uint8Array(length);
    let filled = 0;
    while (filled < length) {
      const part = await this.some(length - filled);
      if (part === undefined) return undefined;
      whole.set(part, filled);
      filled += part.length;
    }
    return whole;
  }

  async *chunks(length: number, member: string): AsyncGenerator<Uint8Array> {
    let left = length;
    while (left > 0) {
      const part = await this.some(left);
      if (part === undefined) throw new TarError("truncated: ends within this member", member);
      left -= part.length;
      yield part;
    }
  }

  async skip(length: number, member: string): Promise<void> {
    await drain(this.chunks(length, member));
  }
}

function checkHeader(header: Uint8Array, previous: string | undefined): void {
  // The checksum counts its own field as eight spaces.
  const sum = header.reduce((total, byte, at) => total + (at >= 148 && at < 156 ? 32 : byte), 0);
  if (ascii(header, 257, 5) !== "ustar" || sum !== octal(header, 148, 8, previous)) {
    throw new TarError(previous === undefined ? "not a tar archive" : "not a tar header", previous);
  }
}

function nameOf(header: Uint8Array): string {
  const name = text(header, 0, 100);
  // Only POSIX ("ustar\0") has a prefix; GNU tar keeps times in its place.
  const prefix = header[262] === 0 ? text(header, 345, 155) : "";
  return prefix === "" ? name : `${prefix}/${name}`;
}

function octal(header: Uint8Array, at: number, length: number, member?: string): number {
  const digits = text(header, at, length).trim();
  if (!/^[0-7]{1,11}$/.test(digits)) {
    throw new TarError(`a number in the header is ${JSON.stringify(digits)}`, member);
  }
  return Number.parseInt(digits, 8);
}

/** What an extended header says about the member after it. */
interface Extended {
  readonly path?: string;
  readonly size?: number;
}

async function readExtended(bytes: ByteReader, length: number, name: string): Promise<Extended> {
  if (length > LONGEST_PAX) throw new TarError(`an extended header of ${length} bytes`, name);
  const content = await bytes.take(length);
  if (content === undefined) throw new TarError("truncated: ends within this member", name);
  await bytes.skip(padding(length), name);
  // A record is `<length> <key>=<value>\n`; a value that holds a line end fits no name.
  const lines = Buffer.from(content).toString("utf8").split("\n");
  const valueOf = (key: string) =>
    lines.map((line) => new RegExp(`^\\d+ ${key}=([^]*)$`).exec(line)?.[1]).findLast(Boolean);
  const path = valueOf("path");
  const size = valueOf("size");
  if (size !== undefined && !/^\d{1,15}$/.test(size)) {
    throw new TarError(`a size of ${JSON.stringify(size)}`, name);
  }
  return { ...(path !== undefined && { path }), ...(size !== undefined && { size: Number(size) }) };
}

/** To the end of the stream, so that a cut or damaged gzip trailer is seen as well. */
async function onlyZeros(bytes: ByteReader, previous: string | undefined): Promise<void> {
  let length = 0;
  for (let part = await bytes.some(BLOCK); part !== undefined; part = await bytes.some(BLOCK)) {
    length += part.length;
    if (length > LONGEST_PADDING || part.some((byte) => byte !== 0)) {
      throw new TarError("there is more after the end of the archive", previous);
    }
  }
}

/** Read what nobody wanted. */
async function drain(content: AsyncGenerator<Uint8Array>): Promise<void> {
  while ((await content.next()).done !== true);
}

function padding(size: number): number {
  return (BLOCK - (size % BLOCK)) % BLOCK;
}

/** Up to the first NUL. Bytes that are not UTF-8 become U+FFFD, which no accepted name holds. */
function text(header: Uint8Array, at: number, length: number): string {
  const field = header.subarray(at, at + length);
  const end = field.indexOf(0);
  return Buffer.from(end === -1 ? field : field.subarray(0, end)).toString("utf8");
}

function ascii(header: Uint8Array, at: number, length: number): string {
  return Buffer.from(header.subarray(at, at + length)).toString("latin1");
}
