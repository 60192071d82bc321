import type { Duplex } from "node:stream";
import { duplexPair } from "node:stream";

/** Error of node:http, with the bytes that it could not parse. */
type ParseError = NodeJS.ErrnoException & { readonly rawPacket?: Buffer };

const HEAD_END = "\r\n\r\n";
const REQUEST_LINE = /^[A-Z]+ \S+ HTTP\/1\.[01]$/;
const LENGTH = /^content-length:[ \t]*\d{1,15}[ \t]*$/i;
const CODING = /^transfer-encoding[ \t]*:/i;
const IDENTITY = /^transfer-encoding:[ \t]*identity[ \t]*$/i;

/**
 * A request with `Transfer-Encoding: identity` beside its length, as the shipped pvcontrol sends,
 * written as one without that coding. RFC 9112 §6.3 lets an origin server take such a request by
 * its body's own length if it closes the connection behind it; identity is no coding at all, and
 * pv-ctrl hands no request on. Any other coding beside a length, more than one length, and a line
 * that could be read in two ways stay refused.
 *
 * @returns undefined for every other request
 */
export function withoutIdentity(bytes: Buffer): Buffer | undefined {
  const end = bytes.indexOf(HEAD_END);
  if (end < 0) return undefined;
  const [start = "", ...fields] = bytes.toString("latin1", 0, end).split("\r\n");
  if (!REQUEST_LINE.test(start)) return undefined;
  const codings = fields.filter((field) => CODING.test(field));
  const lengths = fields.filter((field) => /^content-length/i.test(field));
  const isIdentity = codings.length === 1 && IDENTITY.test(codings[0] ?? "");
  const hasLength = lengths.length === 1 && LENGTH.test(lengths[0] ?? "");
  if (!isIdentity || !hasLength) return undefined;
  const kept = fields.filter((field) => !CODING.test(field) && !/^connection[ \t]*:/i.test(field));
  const head = [start, ...kept, "Connection: close"].join("\r\n");
  return Buffer.concat([Buffer.from(head, "latin1"), bytes.subarray(end)]);
}

/** Milliseconds for a head, from its first byte to its last. */
export const HEAD_TIMEOUT = 5_000;
/** Bytes that a head may have. */
const LONGEST_HEAD = 16 * 1024;

/** The bytes of a connection before its first request, which node:http does not keep. */
export class FirstBytes {
  readonly #socket: Duplex;
  #bytes: Buffer = Buffer.alloc(0);

  constructor(socket: Duplex) {
    this.#socket = socket;
    socket.on("data", this.#keep);
  }

  /** The bytes before those of a packet that could not be parsed, and these. */
  with(packet: Buffer): Buffer {
    return Buffer.concat([this.#bytes, packet]);
  }

  /** The first request is there. */
  forget(): void {
    this.#socket.off("data", this.#keep);
    this.#bytes = Buffer.alloc(0);
  }

  readonly #keep = (chunk: Buffer): void => {
    if (this.#bytes.length + chunk.length > LONGEST_HEAD) this.forget();
    else this.#bytes = this.with(chunk);
  };
}

/**
 * Serve such a request, and the rest of its body, on a connection of its own, whose parser is as
 * strict as any. Its head may come in pieces.
 *
 * @param first of the connection
 * @param serve takes the server's end of the connection
 * @returns false for any other error: it stays to be refused
 */
export async function serveIdentity(
  error: ParseError,
  first: FirstBytes | undefined,
  socket: Duplex,
  serve: (connection: Duplex) => void,
): Promise<boolean> {
  if (error.rawPacket === undefined || !socket.writable) return false;
  const given = first?.with(error.rawPacket) ?? error.rawPacket;
  first?.forget();
  if (!mayBeIdentity(given)) return false;
  // The parser that failed hears nothing more of this connection.
  socket.removeAllListeners("data");
  socket.removeAllListeners("end");
  const whole = await wholeHead(given, socket);
  const bytes = withoutIdentity(whole) ?? withoutIdentity(error.rawPacket);
  if (bytes === undefined || socket.destroyed) return false;
  const [mine, its] = duplexPair({ allowHalfOpen: true });
  serve(its);
  mine.write(bytes);
  socket.on("error", () => mine.destroy());
  socket.on("close", () => mine.destroy());
  mine.on("error", () => socket.destroy());
  its.on("error", () => mine.destroy());
  socket.pipe(mine);
  mine.pipe(socket);
  return true;
}

/** True for what begins as a request that has a coding, be it complete or not. */
function mayBeIdentity(bytes: Buffer): boolean {
  const [start = "", ...fields] = bytes.toString("latin1").split("\r\n");
  return REQUEST_LINE.test(start) && fields.some((field) => /^transfer-encoding/i.test(field));
}

/** The parser fails at the second of the two fields, which may be before the head's end. */
async function wholeHead(given: Buffer, socket: Duplex): Promise<Buffer> {
  let bytes = given;
  const isOver = (): boolean => bytes.includes(HEAD_END) || bytes.length > LONGEST_HEAD;
  if (isOver()) return bytes;
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const take = (chunk: Buffer): void => {
    bytes = Buffer.concat([bytes, chunk]);
    if (isOver()) resolve(undefined);
  };
  const end = (): void => resolve(undefined);
  const timer = setTimeout(end, HEAD_TIMEOUT);
  const ends = ["end", "close"] as const;
  for (const event of ends) socket.on(event, end);
  socket.on("data", take);
  await promise;
  clearTimeout(timer);
  for (const event of ends) socket.off(event, end);
  socket.off("data", take);
  socket.pause();
  return bytes;
}
