import { accept } from "../../shared/linux/stream-io.ts";
import { POLLIN } from "../../shared/linux/poll.ts";
import type { Wanted } from "../../shared/linux/wait-ready.ts";
import { RequestParser } from "../../shared/protocols/http1/request-parser.ts";
import type { RequestHead } from "../../shared/protocols/http1/request-head.ts";
import { fieldsText } from "../../shared/protocols/http1/request-head.ts";
import { listOf } from "../../shared/protocols/http1/fields.ts";
import type { Field } from "../../shared/protocols/http1/fields.ts";
import { staysOpen } from "../../shared/protocols/http1/persistence.ts";
import { waitFor } from "../channel.ts";
import { Connection, deadlineIn } from "../connection.ts";
import { GuestErrno } from "../guest-errno.ts";

/** Connections of one service that wait for a request. */
const MAX_WAITING = 64;
/** Milliseconds after which the idlest of so many gives way to a new one. */
const MAY_IDLE = 1_000;
/**
 * Milliseconds in which a consumer takes a response, or gives the next part of its request: so long
 * may it keep a guest, which does one thing at a time, from the requests of others.
 */
const PATIENCE = 5_000;
/** Bytes of a body, which the guest did not read, that are passed over to keep the connection. */
const MAX_SKIPPED = 64 * 1024;
/** Milliseconds for that. */
const SKIP_PATIENCE = 200;

/** One connection of the broker to this provider. */
interface Peer extends Wanted {
  readonly connection: Connection;
  readonly parser: RequestParser;
  /** Since when it waits for a request, on the clock of performance.now(). */
  idleSince: number;
}

/** Requests to one service that a guest provides. */
export class HttpServer {
  readonly #listener: Wanted;
  /** Without a request that the guest knows of; the idlest first. */
  readonly #waiting = new Set<Peer>();

  /** @param listener owned by this from now on */
  constructor(listener: number) {
    this.#listener = { fd: listener, events: POLLIN };
  }

  /**
   * The next request.
   * @throws GuestErrno EAGAIN when none comes in time, EINTR
   */
  accept(milliseconds: number): IncomingRequest {
    const deadline = deadlineIn(milliseconds);
    for (const peer of this.#waiting) {
      // Its next request may have come with the last one.
      const request = peer.parser.position === "head" ? this.#next(peer) : undefined;
      if (request !== undefined) return request;
    }
    for (;;) {
      const room = this.#roomFrom();
      const isFull = room > performance.now();
      const peers = [...this.#waiting];
      const wanted = isFull ? peers : [this.#listener, ...peers];
      const ready = waitFor<Wanted>(wanted, isFull ? Math.min(room, deadline) : deadline);
      for (const peer of peers.filter((one) => ready.includes(one))) {
        const request = this.#read(peer);
        if (request !== undefined) return request;
      }
      if (ready.includes(this.#listener)) this.#take();
      else if (ready.length === 0 && performance.now() >= deadline) throw new GuestErrno("EAGAIN");
    }
  }

  /** A connection waits for its next request, unless it ends. */
  keep(peer: Peer): void {
    peer.idleSince = performance.now();
    this.#waiting.add(peer);
  }

  /** When there is room for one connection more: in the past, or when the idlest may be ended. */
  #roomFrom(): number {
    const [idlest] = this.#waiting;
    return this.#waiting.size < MAX_WAITING || idlest === undefined
      ? -Infinity
      : idlest.idleSince + MAY_IDLE;
  }

  #take(): void {
    const fd = accept(this.#listener.fd);
    if (fd < 0) return;
    const [idlest] = this.#waiting;
    if (this.#waiting.size === MAX_WAITING && idlest !== undefined) this.#end(idlest);
    const connection = new Connection(fd);
    const parser = new RequestParser();
    this.keep({ fd, events: POLLIN, connection, parser, idleSince: 0 });
  }

  #end(peer: Peer): void {
    this.#waiting.delete(peer);
    peer.connection.close();
  }

  #read(peer: Peer): IncomingRequest | undefined {
    try {
      const bytes = peer.connection.receiveNow();
      if (bytes === undefined) return undefined;
      if (bytes.length > 0) {
        peer.parser.push(bytes);
        return this.#next(peer);
      }
    } catch (error) {
      if (!(error instanceof GuestErrno)) throw error;
    }
    this.#end(peer);
    return undefined;
  }

  #next(peer: Peer): IncomingRequest | undefined {
    const { connection, parser } = peer;
    const event = parser.next();
    parser.keep();
    if (event?.type === "refused") {
      connection.sendNow(statusLine(event.status));
      this.#end(peer);
    }
    if (event?.type !== "head") return undefined;
    this.#waiting.delete(peer);
    return new IncomingRequest(this, peer, event.head);
  }
}

/** A request that the guest has accepted and has to respond to. */
export class IncomingRequest {
  readonly head: RequestHead;
  readonly #server: HttpServer;
  readonly #peer: Peer;
  #held: Buffer | undefined;
  #isComplete = false;
  #awaitsContinue: boolean;

  constructor(server: HttpServer, peer: Peer, head: RequestHead) {
    this.#server = server;
    this.#peer = peer;
    this.head = head;
    this.#awaitsContinue = listOf(head.fields, "expect").includes("100-continue");
  }

  /**
   * Bytes of the body, at most so many; none at its end.
   * @throws GuestErrno EPROTO, ECONNRESET, ETIMEDOUT, EINTR
   */
  body(most: number, deadline = deadlineIn(PATIENCE)): Buffer {
    const { connection, parser } = this.#peer;
    if (this.#awaitsContinue) {
      this.#awaitsContinue = false;
      connection.send(statusLine(100), deadline);
    }
    for (;;) {
      if (this.#held !== undefined) return this.#piece(this.#held, most);
      if (this.#isComplete) return Buffer.alloc(0);
      const event = parser.next();
      if (event?.type === "refused") throw new GuestErrno("EPROTO");
      if (event?.type === "end") this.#isComplete = true;
      else if (event?.type === "data") this.#held = event.bytes;
      else if (event === undefined) {
        const bytes = connection.receive(deadline);
        if (bytes.length === 0) throw new GuestErrno("ECONNRESET");
        parser.push(Buffer.from(bytes));
      }
    }
  }

  /**
   * Send the response. The connection then waits for its next request, or ends.
   * @throws GuestErrno EPIPE when the consumer takes none, ETIMEDOUT, EINTR
   */
  respond(status: number, fields: readonly Field[], body: Buffer): void {
    const { connection } = this.#peer;
    const keeps = staysOpen(this.head) && !this.#awaitsContinue && this.#skipBody();
    const hasBody = status >= 200 && status !== 204 && status !== 304;
    const length = hasBody ? `Content-Length: ${body.length}\r\n` : "";
    const end = keeps ? "" : "Connection: close\r\n";
    const head = `HTTP/1.1 ${status} \r\n${length}${end}${fieldsText(fields)}`;
    const content = this.head.method === "HEAD" || !hasBody ? Buffer.alloc(0) : body;
    const deadline = deadlineIn(PATIENCE);
    let isSent = false;
    try {
      isSent = connection.send(Buffer.concat([Buffer.from(head, "latin1"), content]), deadline);
    } finally {
      if (isSent && keeps) this.#server.keep(this.#peer);
      else connection.close();
    }
    if (!isSent) throw new GuestErrno("EPIPE");
  }

  /** The guest does not respond. */
  drop(): void {
    this.#peer.connection.close();
  }

  #piece(bytes: Buffer, most: number): Buffer {
    this.#held = bytes.length > most ? bytes.subarray(most) : undefined;
    return bytes.subarray(0, most);
  }

  /** @returns true when the whole request has been read */
  #skipBody(): boolean {
    const deadline = deadlineIn(SKIP_PATIENCE);
    try {
      for (let skipped = 0; skipped <= MAX_SKIPPED;) {
        const { length } = this.body(MAX_SKIPPED, deadline);
        if (length === 0) return true;
        skipped += length;
      }
    } catch (error) {
      if (!(error instanceof GuestErrno)) throw error;
    }
    return false;
  }
}

function statusLine(status: number): Buffer {
  const end = status < 200 ? "" : "Connection: close\r\nContent-Length: 0\r\n";
  return Buffer.from(`HTTP/1.1 ${status} \r\n${end}\r\n`, "latin1");
}
