import { chmodSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { peerProcess } from "../shared/linux/peer-process.ts";
import type { TakeMessage } from "./log-datagrams.ts";

/** Connections in place of datagrams: what each sends first is its message, and then it is closed. */
export function takeConnections(path: string, take: TakeMessage): Disposable {
  rmSync(path, { force: true });
  const server = createServer((connection) => {
    using peer = peerProcess(connection);
    const pid = peer?.pid ?? 0;
    connection
      .unref()
      .on("error", () => undefined)
      .once("data", (bytes) => {
        take(bytes, pid);
        connection.destroy();
      });
  });
  server.listen(path).unref();
  chmodSync(path, 0o666);
  return {
    [Symbol.dispose]() {
      server.close();
      rmSync(path, { force: true });
    },
  };
}
