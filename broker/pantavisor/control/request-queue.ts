import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";

/**
 * The requests of a connection, one at a time: the next is not looked at before the reply to the
 * one before it has gone out (RFC 9112 §9.3.2). A client that sends many and reads no replies
 * holds one of them in memory, not all.
 */
export class RequestQueue {
  readonly #last = new WeakMap<Duplex, QueuedRequest>();

  /** @param reply never rejects; the next request waits until the response is closed */
  take(request: IncomingMessage, response: ServerResponse, reply: () => Promise<unknown>): void {
    const { socket } = request;
    const before = this.#last.get(socket)?.over ?? Promise.resolve();
    const over = before.then(async () => {
      // The connection has had its last reply: a later request gets no reply and has no effect.
      if (socket.destroyed || socket.writableEnded) return;
      const closed = new Promise<void>((resolve) => void response.once("close", () => resolve()));
      await reply();
      await closed;
    });
    this.#last.set(socket, { request, response, before, over });
  }

  /**
   * Refuse bytes that are neither a next request nor the rest of the last one.
   * @param refuse called after the replies to the earlier requests; if the reply to the last one
   *        has begun, the connection is cut instead
   */
  break(socket: Duplex, refuse: () => void): void {
    const last = this.#last.get(socket);
    if (last === undefined) refuse();
    else if (last.request.complete) void last.over.then(refuse);
    else if (last.response.headersSent) socket.destroy();
    else void last.before.then(refuse);
  }
}

interface QueuedRequest {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Resolves when the reply to the request before it is out. */
  readonly before: Promise<void>;
  /** Resolves when its reply is out, or the connection has gone. */
  readonly over: Promise<void>;
}
