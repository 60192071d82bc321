import type { Socket } from "node:net";

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
export async function proxyBytes(one: Socket, other: Socket, signal: AbortSignal): Promise<void> {
  const end = () => {
    one.destroy();
    other.destroy();
  };
  signal.addEventListener("abort", end, { once: true });
  const closed = Promise.all([untilClosed(one), untilClosed(other)]);
  if (signal.aborted) end();
  carry(one, other);
  carry(other, one);
  await closed;
  signal.removeEventListener("abort", end);
}

function carry(source: Socket, sink: Socket): void {
  source.on("data", (chunk: Buffer) => {
    if (!sink.writable) return;
    if (!sink.write(chunk)) source.pause();
  });
  sink.on("drain", () => source.resume());
  source.on("end", () => sink.end());
  source.on("error", () => undefined);
  // Reached with or without an error; after an orderly end the sink has ended already. What
  // the source sent before is flushed first.
  if (source.closed) sink.destroySoon();
  else source.on("close", () => sink.destroySoon());
  source.resume();
}

function untilClosed(socket: Socket): Promise<void> {
  if (socket.closed) return Promise.resolve();
  return new Promise((resolve) => socket.once("close", () => resolve()));
}
