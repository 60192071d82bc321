import type { Socket } from "node:net";

/**
 * Carry bytes between two connected sockets, both ways, until both directions have ended.
 *
 * - EOF of one side is passed on as a half-close as soon as the bytes before it are; the
 *   other direction goes on.
 * - While a side does not read, the other is not read from: bytes in flight per direction are
 *   bounded by the sockets' own buffers.
 * - When a side fails (a write to it after its peer has closed for good), the bytes read from it
 *   before are still delivered, then the other side is closed.
 * - The signal ends the session at once.
 *
 * Both sockets must be `allowHalfOpen`; they are owned from now on and destroyed at the end.
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
  // The source has closed, with or without an error. After an orderly end the sink has ended
  // already; otherwise flush the bytes that the source sent before.
  if (source.closed) sink.destroySoon();
  else source.on("close", () => sink.destroySoon());
  source.resume();
}

function untilClosed(socket: Socket): Promise<void> {
  if (socket.closed) return Promise.resolve();
  return new Promise((resolve) => socket.once("close", () => resolve()));
}
