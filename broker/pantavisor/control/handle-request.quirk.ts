import type { Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { NO_ROOM } from "../../shared/no-room.ts";
import type { QuirkName } from "../../shared/quirks/names.ts";
import type { HandleRequest } from "./handle-request.ts";
import { noBody } from "./handle-request.ts";
import { hostKindOf } from "./host-header.ts";
import type { PantavisorView } from "./pantavisor-view.ts";
import { unprivileged } from "./privilege.ts";
import { closing, errorReply } from "./reply.ts";
import { heldByManualBroker, stalledBy } from "./stall.quirk.ts";
import { rawReply } from "./unparsable.ts";

type Deviation = (handle: HandleRequest, view: PantavisorView) => HandleRequest;

/** Deviations around the handler, from the innermost on. */
const DEVIATIONS: Partial<Record<QuirkName, Deviation>> = {
  "no-body-hang": silentWithoutBody,
  "double-reply": twiceWhenTooLarge,
  "nobody-put-twice": twiceWhenUnprivileged,
  "host-foreign-closed": closedWhenForeign,
  "half-close-cut": cutAtEnd,
  "xconnect-holds-ctrl": heldByManualBroker,
  "host-foreign-stall": (handle) => stalledBy("foreign", handle),
  "host-header-hang": (handle) => stalledBy("missing", handle),
};

/** The handler with those of its deviations that are on. */
export function deviatingHandler(handle: HandleRequest, view: PantavisorView): HandleRequest {
  const on = Object.entries(DEVIATIONS).filter(([name]) => view.quirks.has(name as QuirkName));
  return on.reduce((inner, [, deviate]) => deviate(inner, view), handle);
}

function silentWithoutBody(handle: HandleRequest): HandleRequest {
  return async (asked) => {
    const reply = await handle(asked);
    return reply === noBody ? undefined : reply;
  };
}

function twiceWhenTooLarge(handle: HandleRequest): HandleRequest {
  const first = rawReply(errorReply(507, NO_ROOM));
  return async (asked) => {
    const reply = await handle(asked);
    if (reply?.status !== 413) return reply;
    asked.request.socket.write(first);
    return errorReply(400, "No data", closing);
  };
}

function twiceWhenUnprivileged(handle: HandleRequest): HandleRequest {
  const first = rawReply(errorReply(403, "Request not sent from mgmt platform"));
  return async (asked) => {
    const reply = await handle(asked);
    const { method, url = "", socket } = asked.request;
    if (reply !== unprivileged || method !== "PUT") return reply;
    socket.write(first);
    return errorReply(400, `unknown endpoint: ${url}`, closing);
  };
}

function closedWhenForeign(handle: HandleRequest): HandleRequest {
  return async (asked) => {
    const { rawHeaders, url = "", socket } = asked.request;
    if (hostKindOf(rawHeaders, url) !== "foreign") return handle(asked);
    socket.destroy();
    return undefined;
  };
}

/** Milliseconds in which a client that ends its side at once is noticed. */
const NOTICE_END = 300;

function cutAtEnd(handle: HandleRequest): HandleRequest {
  const untilNoticed = async (socket: Socket) => {
    socket.once("end", () => socket.destroy());
    socket.resume();
    await pause(NOTICE_END);
  };
  return async (asked) => {
    await untilNoticed(asked.request.socket);
    return handle(asked);
  };
}
