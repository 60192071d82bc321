import type { Socket } from "node:net";

/**
 * What arrives on a socket, up to its EOF. The socket is read only as fast as the chunks are
 * taken, and stays usable when the loop is left.
 * @throws the socket's error, or ERR_STREAM_PREMATURE_CLOSE when it is destroyed
 */
export async function* chunks(socket: Socket): AsyncGenerator<Buffer, void, void> {
  const iterator: AsyncIterable<unknown> = socket.iterator({ destroyOnReturn: false });
  for await (const chunk of iterator) {
    if (Buffer.isBuffer(chunk)) yield chunk;
  }
}

/** Write all pieces in one system call where possible; ignored once the socket is closing. */
export function write(socket: Socket, ...pieces: readonly Buffer[]): void {
  if (!socket.writable) return;
  socket.cork();
  for (const bytes of pieces) socket.write(bytes);
  socket.uncork();
}

/** Resolves when the socket wants more bytes, or will never take any again. */
export async function drained(socket: Socket): Promise<void> {
  if (socket.destroyed || !socket.writableNeedDrain) return;
  await new Promise<void>((resolve) => {
    const done = () => {
      socket.off("drain", done).off("close", done);
      resolve();
    };
    socket.on("drain", done).on("close", done);
  });
}
