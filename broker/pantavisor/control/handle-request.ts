import type { IncomingMessage } from "node:http";
import type { Caller } from "./caller.ts";
import { hostKindOf } from "./host-header.ts";
import type { PantavisorView } from "./pantavisor-view.ts";
import { refuseUnknown, refuseUnprivileged } from "./privilege.ts";
import { readBody, streamBody } from "./read-body.ts";
import type { Reply } from "./reply.ts";
import { closing, errorReply } from "./reply.ts";
import type { Handler, Route } from "./route.ts";
import { findRoute } from "./route.ts";

export interface ReceivedRequest {
  readonly request: IncomingMessage;
  readonly caller: Caller;
  /** Sends 100-continue to a client that waits for it before its body (RFC 9110 §10.1.1). */
  readonly welcome: () => void;
}

/**
 * From a request to its one reply.
 * @returns undefined when there shall be none, which happens under a quirk only
 */
export type HandleRequest = (asked: ReceivedRequest) => Promise<Reply | undefined>;

export const noBody = errorReply(400, "Request has no body");

/**
 * A request is judged by Host, caller, path, method, role, body and endpoint, in this order; the
 * first that is wrong decides the reply.
 */
export function strictHandler(view: PantavisorView, routes: readonly Route[]): HandleRequest {
  return async (asked) => {
    const { request, caller } = asked;
    const { method = "", url = "", rawHeaders } = request;
    if (hostKindOf(rawHeaders, url) === "foreign") {
      return errorReply(400, "Host is not localhost", closing);
    }
    const match = findRoute(routes, method, url);
    const unknown = refuseUnknown(view, caller, match);
    if (unknown !== undefined) return unknown;
    if (match.kind === "unknown") {
      return errorReply(view.quirks.has("path-400") ? 400 : 404, `unknown endpoint: ${url}`);
    }
    if (match.kind === "wrong-method") {
      const status = view.quirks.has("method-400") ? 400 : 405;
      return errorReply(status, "Method not supported for this endpoint", { Allow: match.allow });
    }
    const { handler, parameters } = match;
    const refused = handler.allows === "anyone" ? undefined : refuseUnprivileged(view, caller);
    return refused ?? (await replyBy(handler, parameters, asked));
  };
}

async function replyBy(
  handler: Handler,
  parameters: Readonly<Record<string, string>>,
  { request, caller, welcome }: ReceivedRequest,
): Promise<Reply> {
  const { takes } = handler;
  let body = "";
  if (takes === undefined) request.resume();
  else if (takes !== "stream") {
    const read = await readBody(request, takes, welcome);
    if ("refusal" in read) return read.refusal;
    if (read.text === "") return noBody;
    body = read.text;
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
