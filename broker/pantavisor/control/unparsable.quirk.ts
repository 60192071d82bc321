import type { Quirks } from "../../shared/quirks/quirks.ts";
import type { refuseUnparsable } from "./unparsable.ts";
import { rawReply } from "./unparsable.ts";

type Refuse = typeof refuseUnparsable;
/** Error of node:http, with the bytes that it could not parse. */
type UnparsableError = NodeJS.ErrnoException & { readonly rawPacket?: Buffer };

export function deviatingRefusal(refuse: Refuse, quirks: Quirks): Refuse {
  const text = quirks.has("garbage-html") ? refuseAsHtml : refuse;
  const inner = quirks.has("chunked-length-unanswered") ? silentToBothLengths(text) : text;
  return quirks.has("long-path-crash") ? crashing(inner) : inner;
}

/** The words are libevent's, and the space in them as well. */
const unsupported = rawReply({
  status: 400,
  contentType: "text/html",
  body: '{"Error": "Unsupported protocol"}',
});

const refuseAsHtml: Refuse = (error, socket) => {
  if (!socket.writable || error.code === "ECONNRESET") socket.destroy();
  else socket.end(unsupported, () => socket.destroy());
};

/** llhttp's errors for a length beside chunks, in either order. */
const BOTH_LENGTHS =
  /^HPE_(UNEXPECTED_CONTENT_LENGTH|INVALID_CONTENT_LENGTH|INVALID_TRANSFER_ENCODING)$/;

function silentToBothLengths(refuse: Refuse): Refuse {
  return (error, socket) => {
    if (BOTH_LENGTHS.test(error.code ?? "")) socket.destroy();
    else refuse(error, socket);
  };
}

/**
 * A head that is too large in its first line. The packet is the last that came of it: its beginning when it
 * came at once, else what followed; other lines would be in it as well.
 */
const LONG_PATH = /^([A-Z]+ )?[^\s]*$/;
const FIRST_BYTES = 8192;
const TOO_LARGE = "HPE_HEADER_OVERFLOW";

function crashing(refuse: Refuse): Refuse {
  return (error: UnparsableError, socket) => {
    const text = error.rawPacket?.toString("latin1") ?? "";
    const isLong = error.code === TOO_LARGE && LONG_PATH.test(text.slice(0, FIRST_BYTES));
    if (isLong) process.kill(process.pid, "SIGSEGV");
    refuse(error, socket);
  };
}
