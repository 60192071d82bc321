import type { Socket } from "node:net";

/** Let Node's event loop turn `count` times, so that the sockets of this process make progress. */
export async function loopTurns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) {
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
}

/** Send pieces as fast as the socket takes them. */
export function sendPieces(socket: Socket, piece: Buffer, total: number): { count: number } {
  const sent = { count: 0 };
  const next = () => {
    while (sent.count < total) {
      sent.count += 1;
      if (!socket.write(piece)) return void socket.once("drain", next);
    }
  };
  next();
  return sent;
}

/** Wait until the value stops changing, and return it. */
export async function settled(probe: () => number): Promise<number> {
  let before: number;
  do {
    before = probe();
    await loopTurns(200);
  } while (probe() !== before);
  return before;
}
