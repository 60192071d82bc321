import type { Quirks } from "../../shared/quirks/quirks.ts";
import type { refuseUnparsable } from "./unparsable.ts";
import { rawReply } from "./unparsable.ts";

type Refuse = typeof refuseUnparsable;
/** Error of node:http, with the bytes that it could not parse. */
type UnparsableError = NodeJS.ErrnoException & { readonly rawPacket?: Buffer };

export function deviatingRefusal(refuse: Refuse, quirks: Quirks): Refuse {
  const text = quirks.has("garbage-html") ? refuseAsHtml : refuse;
  const inner = quirks.has("tls-unanswered") ? silentToTls(text) : text;
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

/** First byte of a TLS handshake (RFC 8446, 5.1). */
const HANDSHAKE = 0x16;

function silentToTls(refuse: Refuse): Refuse {
  return (error: UnparsableError, socket) => {
    if (error.rawPacket?.[0] === HANDSHAKE) socket.destroy();
    else refuse(error, socket);
  };
}

/** A request line whose path alone is too large. */
const LONG_PATH = /^[A-Z]+ [^\s]{8192}/;

function crashing(refuse: Refuse): Refuse {
  return (error: UnparsableError, socket) => {
    const text = error.rawPacket?.toString("latin1") ?? "";
    if (LONG_PATH.test(text)) process.kill(process.pid, "SIGSEGV");
    refuse(error, socket);
  };
}
