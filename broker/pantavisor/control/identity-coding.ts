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

/**
 * Serve such a request, and the rest of its body, on a connection of its own, whose parser is as
 * strict as any.
 *
 * @param serve takes the server's end of the connection
 * @returns false for any other error: it stays to be refused
 */
export function serveIdentity(
  error: ParseError,
  socket: Duplex,
  serve: (connection: Duplex) => void,
): boolean {
  const bytes = error.rawPacket === undefined ? undefined : withoutIdentity(error.rawPacket);
  if (bytes === undefined || !socket.writable) return false;
  // The parser that failed hears nothing more of this connection.
  socket.removeAllListeners("data");
  socket.removeAllListeners("end");
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
