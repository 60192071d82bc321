import { STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import type { Reply } from "./reply.ts";
import { errorReply } from "./reply.ts";

/** Answer what node:http could not parse, or waited for too long, and close. */
export function refuseUnparsable(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (!socket.writable || error.code === "ECONNRESET") {
    socket.destroy();
    return;
  }
  socket.end(rawReply(unparsableReply(error.code)), () => socket.destroy());
}

function unparsableReply(code: string | undefined): Reply {
  if (code === "HPE_HEADER_OVERFLOW") return errorReply(431, "Request head is too large");
  if (code === "ERR_HTTP_REQUEST_TIMEOUT") return errorReply(408, "Request took too long");
  return errorReply(400, "Request is not HTTP");
}

type RawReply = Omit<Reply, "contentType"> & { readonly contentType: string };

/** The bytes of a short reply, for where node:http writes none. */
export function rawReply({ status, contentType, body }: RawReply): string {
  const text = typeof body === "string" ? body : "";
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? "Error"}`,
    `Content-Type: ${contentType}`,
    `Content-Length: ${Buffer.byteLength(text)}`,
    "Connection: close",
  ];
  return `${head.join("\r\n")}\r\n\r\n${text}`;
}
