import type { Quirks } from "../../shared/quirks/quirks.ts";
import type { refuseUnparsable } from "./unparsable.ts";
import { rawReply } from "./unparsable.ts";

type Refuse = typeof refuseUnparsable;

export function deviatingRefusal(refuse: Refuse, quirks: Quirks): Refuse {
  const inner = quirks.has("garbage-html") ? refuseAsHtml : refuse;
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

function crashing(refuse: Refuse): Refuse {
  return (error, socket) => {
    if (error.code === "HPE_HEADER_OVERFLOW") process.kill(process.pid, "SIGSEGV");
    refuse(error, socket);
  };
}
