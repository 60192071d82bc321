import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { createServer } from "node:http";
import { chmodSync, rmSync } from "node:fs";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { pipeline } from "node:stream/promises";
import { deviatingHandler } from "./handle-request.quirk.ts";
import { strictHandler } from "./handle-request.ts";
import type { Caller } from "./caller.ts";
import { identifyCaller } from "./caller.ts";
import { ConnectionLimit } from "./connection-limit.ts";
import { commandRoutes } from "./endpoints/commands.ts";
import { configRoutes } from "./endpoints/config.ts";
import { containerRoutes } from "./endpoints/containers.ts";
import { daemonRoutes } from "./endpoints/daemons.ts";
import { graphRoutes } from "./endpoints/graph.ts";
import { groupRoutes } from "./endpoints/groups.ts";
import { driverRoutes } from "./endpoints/drivers.ts";
import { informationRoutes } from "./endpoints/information.ts";
import { metadataRoutes } from "./endpoints/metadata.ts";
import { objectRoutes } from "./endpoints/objects.ts";
import { signalRoutes } from "./endpoints/signal.ts";
import { stepRoutes } from "./endpoints/steps.ts";
import { NO_ROOM, isNoRoom } from "../../shared/no-room.ts";
import type { PantavisorView } from "./pantavisor-view.ts";
import type { Reply } from "./reply.ts";
import { closing, errorReply } from "./reply.ts";
import { FirstBytes, HEAD_TIMEOUT, serveIdentity } from "./identity-coding.ts";
import { RequestQueue } from "./request-queue.ts";
import { deviatingRefusal } from "./unparsable.quirk.ts";
import { rawReply, refuseUnparsable } from "./unparsable.ts";

/** The largest object has to come through; small bodies have a limit of their own. */
const REQUEST_TIMEOUT = 600_000;
const KEEP_ALIVE = 50_000;
const MAX_CONNECTIONS = 4096;

export interface ControlServer {
  close(): void;
}

/**
 * pv-ctrl: HTTP on a unix socket (docs/pantavisor.md §3). Every container can connect, so callers
 * are hostile: each connection belongs to one identified process, heads and bodies are bounded in
 * size and time, and no request waits for another.
 *
 * @param identify who is at the other end of a connection
 * @returns once it listens
 */
export async function serveControl(
  path: string,
  view: PantavisorView,
  identify: typeof identifyCaller = identifyCaller,
): Promise<ControlServer> {
  const routes = [
    ...containerRoutes(view),
    ...daemonRoutes(view),
    ...groupRoutes(view),
    ...graphRoutes(view),
    ...metadataRoutes(view),
    ...objectRoutes(view),
    ...stepRoutes(view),
    ...configRoutes(view),
    ...signalRoutes(view),
    ...commandRoutes(view),
    ...driverRoutes(view),
    ...informationRoutes(view.quirks),
  ];
  const handle = deviatingHandler(strictHandler(view, routes), view);
  const refuse = deviatingRefusal(refuseUnparsable, view.quirks);
  const callers = new WeakMap<Duplex, Caller>();
  const queue = new RequestQueue();
  const takesIdentity = !view.quirks.has("identity-refused");
  const firstBytes = new WeakMap<Duplex, FirstBytes>();
  const server = createServer(
    {
      requireHostHeader: false,
      headersTimeout: HEAD_TIMEOUT,
      requestTimeout: REQUEST_TIMEOUT,
      keepAliveTimeout: KEEP_ALIVE,
      connectionsCheckingInterval: 1000,
    },
    (request, response) => serve(request, response),
  );
  const serve = (
    request: IncomingMessage,
    response: ServerResponse,
    welcome: () => void = () => undefined,
  ) => {
    firstBytes.get(request.socket)?.forget();
    const caller = callers.get(request.socket) ?? { kind: "unknown", pid: 0 };
    queue.take(request, response, () =>
      handle({ request, caller, welcome })
        .then((reply) => reply && send(response, reply))
        .catch((error: unknown) => fail(response, error)),
    );
  };
  server.on("checkContinue", (request, response: ServerResponse) => {
    // If we refuse before 100-continue, the client may or may not send the body, so this
    // connection cannot be reused.
    response.shouldKeepAlive = false;
    serve(request, response, () => {
      response.writeContinue();
    });
  });
  server.on("checkExpectation", (request: IncomingMessage, response: ServerResponse) => {
    const refusal = errorReply(417, "Nothing but 100-continue can be expected", closing);
    queue.take(request, response, () => send(response, refusal).catch(() => response.destroy()));
  });
  // `nc -N` ends its side with the request and still wants the reply.
  (server as Server & { httpAllowHalfOpen: boolean }).httpAllowHalfOpen = true;
  server.maxConnections = MAX_CONNECTIONS;
  const limit = new ConnectionLimit();
  server.on("connection", (socket: Socket) => {
    // node:http stops listening for errors where it hands a socket over, as at CONNECT.
    socket.on("error", () => socket.destroy());
    // A request that is served on a connection of its own has the caller of the one it came on.
    if (callers.has(socket)) return;
    const caller = identify(socket, () => view.callers(), view.quirks);
    callers.set(socket, caller);
    if (limit.admit(caller, socket)) {
      if (takesIdentity) firstBytes.set(socket, new FirstBytes(socket));
      return;
    }
    socket.end(rawReply(errorReply(503, "Too many connections")), () => socket.destroy());
  });
  server.on("clientError", (error, socket: Duplex) => {
    const caller = callers.get(socket);
    queue.break(socket, () => {
      if (!takesIdentity || caller === undefined) {
        refuse(error, socket);
        return;
      }
      void serveIdentity(error, firstBytes.get(socket), socket, (connection) => {
        callers.set(connection, caller);
        server.emit("connection", connection);
      }).then((isServed) => {
        if (!isServed) refuse(error, socket);
      });
    });
  });
  server.on("connect", (_request, socket) => {
    // No limit of node:http's holds for this connection any more: it ends with its reply.
    const refusal = rawReply(errorReply(405, "Method not supported for this endpoint"));
    queue.break(socket, () => socket.end(refusal, () => socket.destroy()));
  });
  rmSync(path, { force: true });
  await new Promise<void>((resolve, reject) => {
    // Behind the start it says that a connection could not be accepted: the next one may be.
    server.on("error", reject);
    server.listen({ path, backlog: 511 }, resolve);
  });
  // Processes of any uid in a mgmt container may call; the caller decides, not the mode.
  chmodSync(path, 0o666);
  return {
    close() {
      server.close();
      server.closeAllConnections();
      rmSync(path, { force: true });
    },
  };
}

async function send(
  response: ServerResponse,
  { status, contentType, body, headers }: Reply,
): Promise<void> {
  const size = typeof body === "string" ? Buffer.byteLength(body) : body.size;
  response.writeHead(status, {
    "Content-Type": contentType,
    "Content-Length": size,
    ...headers,
  });
  if (typeof body === "string") response.end(body);
  else await pipeline(body.content, response);
}

const internalError = errorReply(500, "Internal Error", closing);

/** Our own failure, a full disk, or a client that went away in mid-body. */
function fail(response: ServerResponse, error: unknown): void {
  const reply = isNoRoom(error) ? errorReply(507, NO_ROOM, closing) : internalError;
  if (response.headersSent || !response.writable) response.destroy();
  else void send(response, reply).catch(() => response.destroy());
}
