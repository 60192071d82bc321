import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import type { Caller } from "./caller.ts";
import { NO_ROOM } from "../../shared/no-room.ts";
import { hostKindOf } from "./host-header.ts";
import type { EndpointContext } from "./pantavisor-view.ts";
import { refuseUnknown, refuseUnprivileged } from "./privilege.ts";
import { readBody, streamBody } from "./read-body.ts";
import type { Reply } from "./reply.ts";
import { closing, errorReply } from "./reply.ts";
import type { Route } from "./route.ts";
import { findRoute } from "./route.ts";
import { rawReply } from "./unparsable.ts";

export interface ReceivedRequest {
  readonly request: IncomingMessage;
  readonly caller: Caller;
  /** Sends 100-continue to a client that waits for it before its body (RFC 9110 §10.1.1). */
  readonly welcome: () => void;
}

/**
 * From a request to its one reply: Host, caller, path, method, role, body, endpoint, in this
 * order; the first that is wrong decides.
 * @returns undefined when no reply is ever to be sent, as some quirks want
 */
export async function handleRequest(
  { view, stall }: EndpointContext,
  routes: readonly Route[],
  { request, caller, welcome }: ReceivedRequest,
): Promise<Reply | undefined> {
  const { method = "", url = "", rawHeaders } = request;
  const { quirks } = view;
  const host = hostKindOf(rawHeaders, url);
  const hangs =
    (host === "missing" && quirks.has("host-header-hang")) ||
    (host === "foreign" && quirks.has("host-foreign-stall"));
  if (hangs) {
    stall.holdUntil(closed(request.socket));
    return undefined;
  }
  await stall.pass();
  if (quirks.has("half-close-cut")) await cutAtEnd(request.socket);
  if (host === "foreign") {
    if (!quirks.has("host-foreign-closed")) {
      return errorReply(400, "Host is not localhost", closing);
    }
    request.socket.destroy();
    return undefined;
  }
  const match = findRoute(routes, method, url);
  const unknown = refuseUnknown(view, caller, match);
  if (unknown !== undefined) return unknown;
  if (match.kind === "unknown") {
    return errorReply(quirks.has("path-400") ? 400 : 404, `unknown endpoint: ${url}`);
  }
  if (match.kind === "wrong-method") {
    const status = quirks.has("method-400") ? 400 : 405;
    return errorReply(status, "Method not supported for this endpoint", { Allow: match.allow });
  }
  const { handler, parameters } = match;
  if (handler.allows !== "anyone") {
    const refused = refuseUnprivileged(view, caller);
    if (refused !== undefined) {
      if (method !== "PUT" || !quirks.has("nobody-put-twice")) return refused;
      request.socket.write(rawReply(errorReply(403, "Request not sent from mgmt platform")));
      return errorReply(400, `unknown endpoint: ${url}`, closing);
    }
  }
  const { takes } = handler;
  let body = "";
  if (takes === undefined) request.resume();
  else if (takes !== "stream") {
    const read = await readBody(request, takes, welcome);
    if ("refusal" in read) {
      if (!quirks.has("double-reply")) return read.refusal;
      request.socket.write(rawReply(noRoom));
      return errorReply(400, "No data", closing);
    }
    body = read.text;
    if (body === "") {
      return quirks.has("no-body-hang") ? undefined : errorReply(400, "Request has no body");
    }
  }
  return handler.reply({
    parameters,
    body,
    content: () => {
      welcome();
      return streamBody(request);
    },
    contentLength: Number(request.headers["content-length"] ?? 0),
    caller,
  });
}

/** For `double-reply` only. */
const noRoom = errorReply(507, NO_ROOM);

/** Milliseconds that a quirk which hangs still holds a client that has ended its side. */
const HANG_AFTER_END = 10_000;

function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.once("close", () => resolve());
    socket.once("end", () => setTimeout(() => socket.destroy(), HANG_AFTER_END).unref());
    // Nobody reads on while the request is held: look for the end ourselves.
    socket.resume();
  });
}

/** Milliseconds for `half-close-cut` to notice a client that ends its side at once. */
const NOTICE_END = 300;

async function cutAtEnd(socket: Socket): Promise<void> {
  socket.once("end", () => socket.destroy());
  socket.resume();
  await pause(NOTICE_END);
}
