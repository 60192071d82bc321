import type { Socket } from "node:net";
import type { Quirks } from "../quirks/quirks.ts";

export interface BytePlaneOptions {
  readonly quirks: Quirks;
  /** Service type, for quirks that are narrowed to one. */
  readonly type: string;
}

/** How long the quirk no-half-close keeps a session after the first EOF (observed §2.1). */
const LINGER = 60_000;

/**
 * Carry bytes between two connected sockets, both ways, until both directions have ended.
 *
 * - EOF of one side is passed on as a half-close as soon as the bytes before it are; the
 *   other direction goes on.
 * - A side that does not read stops the reading from the other: what is held per direction is
 *   bounded by the sockets' own buffers.
 * - When a side fails (its peer has closed it for good and something was written to it), what
 *   was read from it before is still delivered, then the other side is closed.
 * - The signal ends the session at once.
 *
 * Both sockets must be `allowHalfOpen`; they are owned from here on and destroyed at the end.
 *
 * @returns when both are closed; never rejects
 */
export async function proxyBytes(
  one: Socket,
  other: Socket,
  signal: AbortSignal,
  options: BytePlaneOptions,
): Promise<void> {
  const end = () => {
    one.destroy();
    other.destroy();
  };
  signal.addEventListener("abort", end, { once: true });
  const closed = Promise.all([untilClosed(one), untilClosed(other)]);
  const { quirks, type } = options;
  if (signal.aborted) end();
  else if (quirks.has("no-half-close", type)) holdBack(one, other);
  else if (quirks.has("early-close", type)) closeAtFirstEnd(one, other);
  else passOn(one, other);
  carry(one, other, options);
  carry(other, one, options);
  await closed;
  signal.removeEventListener("abort", end);
}

function carry(source: Socket, sink: Socket, { quirks, type }: BytePlaneOptions): void {
  const corrupts = type === "unix" && quirks.has("unix-corrupts");
  source.on("data", (chunk: Buffer) => {
    if (corrupts) chunk.writeUInt8((chunk.readUInt8(0) + 1) & 0xff, 0);
    if (!sink.writable) return;
    if (!sink.write(chunk)) source.pause();
  });
  sink.on("drain", () => source.resume());
  source.on("error", () => undefined);
  // Reached with or without an error; after an orderly end the sink has ended already. What
  // the source sent before is flushed first.
  if (source.closed) sink.destroySoon();
  else source.on("close", () => sink.destroySoon());
  source.resume();
}

/** The promise: EOF reaches the other side at once, behind the bytes before it. */
function passOn(one: Socket, other: Socket): void {
  one.on("end", () => other.end());
  other.on("end", () => one.end());
}

/** Quirk no-half-close: nobody learns of an EOF until both have sent one, or the linger. */
function holdBack(one: Socket, other: Socket): void {
  let ended = 0;
  const finish = () => {
    one.end();
    other.end();
  };
  for (const side of [one, other]) {
    side.on("end", () => {
      ended += 1;
      if (ended === 2) finish();
      else setTimeout(finish, LINGER).unref();
    });
  }
}

/** Quirk early-close: the first EOF closes both sides. */
function closeAtFirstEnd(one: Socket, other: Socket): void {
  const finish = () => {
    one.destroySoon();
    other.destroySoon();
  };
  one.on("end", finish);
  other.on("end", finish);
}

function untilClosed(socket: Socket): Promise<void> {
  if (socket.closed) return Promise.resolve();
  return new Promise((resolve) => socket.once("close", () => resolve()));
}
