import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { connect, createServer } from "node:net";
import type { Server, Socket } from "node:net";
import { setImmediate as turn } from "node:timers/promises";
import fc from "fast-check";
import { sendDescriptor } from "./shared/linux/send-descriptor.fixture.ts";

/**
 * For tests: a peer that does to its connection whatever a process can do to a unix socket.
 *
 * - `write`: bytes, whether they mean anything or not
 * - `pass`: one byte with a descriptor (SCM_RIGHTS)
 * - `end`: no more of ours, the other direction stays open
 * - `pause`: what arrives from here on stays unread, so that a close resets the connection
 * - `hear`: go on when something has arrived, or the other side has closed
 * - `turn`: give way once
 */
export type Act =
  | { readonly kind: "write"; readonly bytes: string }
  | { readonly kind: "pass" | "end" | "pause" | "hear" | "turn" };

/** Acts that one connection goes through; it is destroyed after the last one. */
export type Acts = readonly Act[];

const HTTP = [
  "CONNECT x HTTP/1.1\r\n\r\n",
  "CONNECT localhost:1 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc",
  "GET /containers HTTP/1.1\r\nHost: localhost\r\n\r\n",
  "GET /containers HTTP/1.0\r\n\r\n",
  "GET /objects HTTP/1.1\r\n",
  "HEAD /nowhere HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
  "OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n",
  "PUT /containers/c HTTP/1.1\r\nContent-Length: 17\r\n\r\n",
  '{"action":"stop"}',
  `PUT /objects/${"a".repeat(64)} HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n`,
  "POST /signal HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n",
  "POST /signal HTTP/1.1\r\nHost: localhost\r\nExpect: tea\r\n\r\n",
  "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
  "POST / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: 5\r\n\r\n",
  "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
  "Host: localhost\r\n",
  "X: y\r\n",
  "X : y\r\n",
  "\r\n",
  "\n",
  "5\r\nabcde\r\n",
  "5 ;x=y\r\nabcde\r\n",
  "0\r\n\r\n",
  "0\r\nT: v\r\n\r\n",
  "fffffffffffff\r\n",
  "zz\r\n",
  "abcde",
] as const;

const ANSWERS = [
  "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
  "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
  "HTTP/1.1 200 OK\r\n\r\n",
  "HTTP/1.0 200 OK\r\n",
  "HTTP/1.1 100 Continue\r\n\r\n",
  "HTTP/1.1 101 Switching Protocols\r\nUpgrade: tcp\r\nConnection: Upgrade\r\n\r\n",
  "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n",
  "HTTP/1.1 999 \r\n",
] as const;

const NO_TIME = "\0".repeat(16);

const OTHER = [
  "\0",
  "\0AUTH EXTERNAL 30\r\n",
  "AUTH EXTERNAL\r\n",
  "DATA\r\n",
  "NEGOTIATE_UNIX_FD\r\n",
  "BEGIN\r\n",
  "OK 0123456789abcdef0123456789abcdef\r\n",
  "REJECTED EXTERNAL\r\n",
  "AGREE_UNIX_FD\r\n",
  `l\x01\0\x01\0\0\0\0\x01\0\0\0\0\0\0\0`,
  "l\x01\0\x01\xff\xff\xff\xff\x01\0\0\0\xff\xff\xff\xff",
  // Input events: a frame that presses a key, part of one, a frame that says that others were lost.
  `${NO_TIME}\x01\0\x1e\0\x01\0\0\0${NO_TIME}\0\0\0\0\0\0\0\0`,
  `${NO_TIME}\x01\0`,
  `${NO_TIME}\0\0\x03\0\0\0\0\0${NO_TIME}\0\0\0\0\0\0\0\0`,
  "x".repeat(70_000),
] as const;

const piece = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom(...HTTP) },
  { weight: 2, arbitrary: fc.constantFrom(...ANSWERS) },
  { weight: 2, arbitrary: fc.constantFrom(...OTHER) },
);
const act = fc.oneof(
  {
    weight: 6,
    arbitrary: piece.map((bytes): Act => ({ kind: "write", bytes })),
  },
  {
    weight: 4,
    arbitrary: fc
      .constantFrom("pass", "end", "pause", "hear", "turn")
      .map((kind): Act => ({ kind })),
  },
);

export const acts: fc.Arbitrary<Acts> = fc.array(act, { maxLength: 7 });

/** Milliseconds for which an answer is waited for: most of what is sent gets none. */
const HEAR = 20;

/** @returns when the connection is closed on this side */
export async function perform(socket: Socket, all: Acts): Promise<void> {
  socket.on("error", () => undefined);
  socket.resume();
  for (const one of all) {
    if (socket.destroyed) break;
    if (one.kind === "write" && socket.writable) socket.write(one.bytes, "latin1");
    else if (one.kind === "pass") passDescriptor(socket);
    else if (one.kind === "end") socket.end();
    else if (one.kind === "pause") socket.pause();
    else if (one.kind === "hear") await heard(socket);
    else await turn();
  }
  if (socket.destroyed) return;
  socket.destroy();
  await once(socket, "close");
}

/** Connect and perform. */
export async function attack(path: string, all: Acts): Promise<void> {
  const socket = connect({ path, allowHalfOpen: true });
  // Before it is connected, Node would keep to itself what is written.
  await once(socket, "connect");
  await perform(socket, all);
}

/** A server each of whose connections performs the next of the programs that it has been given. */
export class HostileServer {
  programs: readonly Acts[] = [[]];
  readonly #server: Server;
  #next = 0;

  constructor() {
    this.#server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => {
      const all = this.programs[this.#next++ % this.programs.length];
      void perform(socket, all ?? []);
    });
  }

  async listen(path: string): Promise<void> {
    this.#server.listen({ path, backlog: 1024 });
    await once(this.#server, "listening");
  }

  close(): void {
    this.#server.close();
  }
}

async function heard(socket: Socket): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const done = () => resolve(undefined);
  const timer = setTimeout(done, HEAR);
  const events = ["data", "end", "close"] as const;
  for (const event of events) socket.once(event, done);
  await promise;
  clearTimeout(timer);
  for (const event of events) socket.off(event, done);
}

function passDescriptor(socket: Socket): void {
  const fd = (socket as unknown as { _handle?: { fd?: number } | null })._handle?.fd ?? -1;
  if (fd < 0) return;
  const passed = openSync("/dev/null", "r");
  sendDescriptor(fd, passed);
  closeSync(passed);
}
