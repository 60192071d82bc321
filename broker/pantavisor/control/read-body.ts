import type { IncomingMessage } from "node:http";
import type { Reply } from "./reply.ts";
import { closing, errorReply } from "./reply.ts";

/** Milliseconds for a small body, which is one packet; a slower client only holds a connection. */
const WHOLE_BODY_TIMEOUT = 10_000;
/**
 * Bytes beyond the limit that are read and dropped before the refusal: a client that is still
 * sending when the connection closes would be told of that instead (RFC 9112 §9.6).
 */
const DRAINED = 1024 * 1024;
/** Milliseconds between two chunks of a large body. */
const IDLE_TIMEOUT = 10_000;

/**
 * The body of a request as text.
 * @param limit bytes
 * @param welcome called before it is read
 * @returns a reply instead when it is larger, or takes too long
 */
export async function readBody(
  request: IncomingMessage,
  limit: number,
  welcome: () => void,
): Promise<{ readonly text: string } | { readonly refusal: Reply }> {
  const tooLarge = {
    refusal: errorReply(413, `Request body is larger than ${limit} bytes`, closing),
  };
  const chunks: Buffer[] = [];
  let size = 0;
  if (Number(request.headers["content-length"] ?? 0) > limit + DRAINED) return tooLarge;
  welcome();
  const late = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => late.resolve(undefined), WHOLE_BODY_TIMEOUT);
  const body = request.iterator({ destroyOnReturn: false });
  try {
    for (;;) {
      const next = await Promise.race([body.next(), late.promise]);
      if ((next === undefined || next.done === true) && size > limit) return tooLarge;
      if (next === undefined) return { refusal: errorReply(408, "Request took too long", closing) };
      if (next.done === true) return { text: Buffer.concat(chunks).toString("utf8") };
      const chunk = next.value as Buffer;
      size += chunk.length;
      if (size > limit + DRAINED) return tooLarge;
      if (size <= limit) chunks.push(chunk);
    }
  } finally {
    clearTimeout(timer);
  }
}

/** The body as it arrives; a client that stops in the middle is cut off. */
export function streamBody(request: IncomingMessage): AsyncIterable<Uint8Array> {
  request.setTimeout(IDLE_TIMEOUT, () => request.destroy());
  // After the last chunk the client waits for us: we write a large object to the disk.
  request.once("end", () => request.setTimeout(0));
  return request.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>;
}
