import { closeSync, constants, openSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { basename, dirname } from "node:path";
import type { BrokerStatus } from "../../shared/formats/broker-status.ts";
import { listenIn } from "../../shared/linux/unix-stream.ts";

const MODE = 0o600;
const BACKLOG = 16;
/** Milliseconds that a reader has to take its document. */
const READ_TIMEOUT = 2_000;

/**
 * Send the status as one JSON document to each connection to `path`.
 *
 * @param path from openBrokerFolder(); only the lock's holder may use it
 * @returns a handle; disposing of it ends the server and removes the socket
 */
export function serveStatus(path: string, status: () => BrokerStatus): Disposable {
  rmSync(path, { force: true });
  const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW } = constants;
  const directory = openSync(dirname(path), O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  let fd: number;
  try {
    fd = listenIn(directory, basename(path), MODE, BACKLOG);
  } finally {
    closeSync(directory);
  }
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.setTimeout(READ_TIMEOUT, () => socket.destroy());
    socket.end(`${JSON.stringify(status())}\n`);
  });
  server.maxConnections = BACKLOG;
  server.on("error", () => undefined);
  server.listen({ fd }, BACKLOG);
  return {
    [Symbol.dispose]: () => {
      server.close();
      rmSync(path, { force: true });
    },
  };
}
