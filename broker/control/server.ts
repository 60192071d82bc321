import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { createServer } from "node:http";
import { chmodSync, rmSync } from "node:fs";
import type { Socket } from "node:net";
import type { Caller } from "./caller.ts";
import { identifyCaller } from "./caller.ts";
import { containerRoutes } from "./endpoints/containers.ts";
import { daemonRoutes } from "./endpoints/daemons.ts";
import { graphRoutes } from "./endpoints/graph.ts";
import { groupRoutes } from "./endpoints/groups.ts";
import { informationRoutes } from "./endpoints/information.ts";
import { judgeHost } from "./host-header.ts";
import type { EndpointContext, PantavisorView } from "./pantavisor-view.ts";
import { readBody } from "./read-body.ts";
import type { Reply } from "./reply.ts";
import { errorReply } from "./reply.ts";
import { findRoute } from "./route.ts";
import { Stall } from "./stall.ts";

/**
 * pv-ctrl: HTTP on a unix socket (facts §3). Every container can connect, so callers are
 * hostile: each connection belongs to one identified process, heads and bodies are bounded in
 * size and time, and no request waits for another.
 */
const HEAD_TIMEOUT = 5_000;
const REQUEST_TIMEOUT = 10_000;
const KEEP_ALIVE = 50_000;
const MAX_CONNECTIONS = 4096;

export interface ControlServer {
  close(): void;
}

/** @returns once it listens */
export async function serveControl(path: string, view: PantavisorView): Promise<ControlServer> {
  const handle = requestHandler(view);
  const callers = new WeakMap<Socket, Caller>();
  const server = createServer(
    {
      requireHostHeader: false,
      headersTimeout: HEAD_TIMEOUT,
      requestTimeout: REQUEST_TIMEOUT,
      keepAliveTimeout: KEEP_ALIVE,
      connectionsCheckingInterval: 1000,
    },
    (request, response) => {
      const caller = callers.get(request.socket) ?? { kind: "unknown", pid: 0 };
      handle(request, response, caller).catch(() => fail(response));
    },
  );
  // `nc -N` ends its side with the request and still wants the answer.
  (server as Server & { httpAllowHalfOpen: boolean }).httpAllowHalfOpen = true;
  server.maxConnections = MAX_CONNECTIONS;
  server.on("connection", (socket: Socket) => callers.set(socket, identifyCaller(socket)));
  server.on("clientError", refuseUnparsable);
  server.on("connect", (_request, socket) => {
    socket.end(rawReply(errorReply(405, "Method not supported for this endpoint")));
  });
  rmSync(path, { force: true });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ path, backlog: 511 }, resolve);
  });
  // Processes of any uid in a mgmt container may call; who they are decides, not the mode.
  chmodSync(path, 0o666);
  return {
    close() {
      server.close();
      server.closeAllConnections();
      rmSync(path, { force: true });
    },
  };
}

type RequestHandler = (
  request: IncomingMessage,
  response: ServerResponse,
  caller: Caller,
) => Promise<void>;

function requestHandler(view: PantavisorView): RequestHandler {
  const context: EndpointContext = { view, stall: new Stall() };
  const { quirks } = view;
  const routes = [
    ...containerRoutes(context),
    ...daemonRoutes(context),
    ...groupRoutes(context),
    ...graphRoutes(context),
    ...informationRoutes(context),
  ];

  async function answer(request: IncomingMessage, caller: Caller): Promise<Reply | undefined> {
    const { method = "", url = "", rawHeaders } = request;
    const host = judgeHost(rawHeaders, url);
    const hangs =
      (host === "missing" && quirks.has("host-header-hang")) ||
      (host === "foreign" && quirks.has("host-foreign-stall"));
    if (hangs) {
      context.stall.holdUntil(closed(request.socket));
      return undefined;
    }
    await context.stall.pass();
    if (host === "foreign") return errorReply(400, "Host is not localhost", closing);
    const denied = denial(view, caller);
    if (denied !== undefined) return denied;
    const match = findRoute(routes, method, url);
    if (match.kind === "unknown") {
      return errorReply(quirks.has("path-400") ? 400 : 404, `unknown endpoint: ${url}`);
    }
    if (match.kind === "wrong-method") {
      const status = quirks.has("method-400") ? 400 : 405;
      return errorReply(status, "Method not supported for this endpoint", { Allow: match.allow });
    }
    const { handler, parameters } = match;
    const body = await readBody(request, handler.bodyLimit);
    if (body === undefined) {
      return errorReply(
        413,
        `Request body is larger than ${handler.bodyLimit ?? 0} bytes`,
        closing,
      );
    }
    if (body === "" && handler.bodyLimit !== undefined) {
      return quirks.has("no-body-hang") ? undefined : errorReply(400, "Request has no body");
    }
    return handler.answer({ parameters, body, callerPid: caller.pid });
  }

  return async (request, response, caller) => {
    const reply = await answer(request, caller);
    if (reply !== undefined) send(response, reply);
  };
}

const closing = { Connection: "close" };

/** Who may not: containers without the role mgmt, and whoever cannot be identified. */
function denial(view: PantavisorView, caller: Caller): Reply | undefined {
  if (caller.kind === "host") return undefined;
  const container =
    caller.kind === "container"
      ? view.containers().find(({ plan }) => plan.name === caller.name)
      : undefined;
  if (container === undefined) return errorReply(403, "Caller cannot be identified");
  if (container.roles.includes("mgmt") || view.quirks.has("nobody-allowed")) return undefined;
  return errorReply(403, "Request not sent from a mgmt platform");
}

function send(response: ServerResponse, { status, contentType, body, headers }: Reply): void {
  response.writeHead(status, {
    "Content-Type": contentType,
    "Content-Length": Buffer.byteLength(body),
    ...headers,
  });
  response.end(body);
}

/** Our own failure, or a client that went away in mid-body. */
function fail(response: ServerResponse): void {
  if (response.headersSent || !response.writable) response.destroy();
  else send(response, errorReply(500, "Internal Error", closing));
}

/** What node:http could not parse, or waited for too long. */
function refuseUnparsable(error: NodeJS.ErrnoException, socket: Socket): void {
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

const REASONS: Readonly<Record<number, string>> = {
  400: "Bad Request",
  405: "Method Not Allowed",
  408: "Request Timeout",
  431: "Request Header Fields Too Large",
};

function rawReply({ status, contentType, body }: Reply): string {
  const head = [
    `HTTP/1.1 ${status} ${REASONS[status] ?? "Error"}`,
    `Content-Type: ${contentType}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    "Connection: close",
  ];
  return `${head.join("\r\n")}\r\n\r\n${body}`;
}

/** For the quirks that hang: a client that has ended its side may still wait, but not for ever. */
const HANG_AFTER_END = 10_000;

function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.once("close", () => resolve());
    socket.once("end", () => setTimeout(() => socket.destroy(), HANG_AFTER_END).unref());
    // Nobody reads on while the request is held: look for the end ourselves.
    socket.resume();
  });
}
