import type { Socket } from "node:net";
import { duplicate } from "./duplicate.ts";

/**
 * Take over the connection of a node:net socket from which nothing has been read. The socket object
 * is closed in any case, the connection only on failure.
 * @returns a non-blocking fd that the caller owns
 * @throws SystemCallError EMFILE; Error when the socket is closed or has been read from
 */
export function takeDescriptor(socket: Socket): number {
  try {
    // The descriptor of a node:net socket can only be read from its internal handle.
    const { _handle: handle } = socket as { _handle?: { readonly fd?: number } | null };
    const fd = handle?.fd ?? -1;
    if (fd < 0) throw new Error("the connection is closed");
    if (socket.readableLength > 0) throw new Error("the connection has been read from");
    return duplicate(fd);
  } finally {
    socket.destroy();
  }
}
