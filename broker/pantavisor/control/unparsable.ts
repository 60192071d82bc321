import { STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import type { Quirks } from "../../shared/quirks/quirks.ts";
import type { Reply } from "./reply.ts";
import { errorReply } from "./reply.ts";

/** Answer what node:http could not parse, or waited for too long, and close. */
export function refuseUnparsable(
  error: NodeJS.ErrnoException,
  socket: Duplex,
  quirks: Quirks,
): void {
  if (!socket.writable || error.code === "ECONNRESET") {
    socket.destroy();
    return;
  }
  if (error.code === "HPE_HEADER_OVERFLOW" && quirks.has("long-path-crash")) {
    process.kill(process.pid, "SIGSEGV");
  }
  const html = quirks.has("garbage-html");
  const reply = html ? rawReply(unsupported, "text/html") : rawReply(unparsableReply(error.code));
  socket.end(reply, () => socket.destroy());
}

/** For `garbage-html`: the words are libevent's, and the space in them as well. */
const unsupported: Reply = {
  status: 400,
  contentType: "application/json",
  body: '{"Error": "Unsupported protocol"}',
};

function unparsableReply(code: string | undefined): Reply {
  if (code === "HPE_HEADER_OVERFLOW") return errorReply(431, "Request head is too large");
  if (code === "ERR_HTTP_REQUEST_TIMEOUT") return errorReply(408, "Request took too long");
  return errorReply(400, "Request is not HTTP");
}

/** The bytes of a short reply, for where node:http writes none. */
export function rawReply({ status, contentType, body }: Reply, type: string = contentType): string {
  const text = typeof body === "string" ? body : "";
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? "Error"}`,
    `Content-Type: ${type}`,
    `Content-Length: ${Buffer.byteLength(text)}`,
    "Connection: close",
  ];
  return `${head.join("\r\n")}\r\n\r\n${text}`;
}
