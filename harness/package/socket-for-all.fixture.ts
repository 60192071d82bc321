import { once } from "node:events";
import { chmodSync } from "node:fs";
import { connect, createServer } from "node:net";
import type { Socket } from "node:net";

/** A socket that everybody may connect to, in front of one that only its owner may. */
export async function socketForAll(
  path: string,
  target: string,
): Promise<{ readonly host: string } & AsyncDisposable> {
  const open = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (from) => {
    const to = connect({ path: target, allowHalfOpen: true });
    for (const socket of [from, to]) {
      open.add(socket);
      socket.once("close", () => open.delete(socket));
    }
    from.on("error", () => to.destroy());
    to.on("error", () => from.destroy());
    from.pipe(to).pipe(from);
  });
  server.listen(path);
  await once(server, "listening");
  chmodSync(path, 0o666);
  return {
    host: `unix://${path}`,
    async [Symbol.asyncDispose]() {
      server.close();
      for (const socket of open) socket.destroy();
      await once(server, "close");
    },
  };
}
