import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DirectAddress } from "./engine-address.ts";

export interface FakeEngine extends AsyncDisposable {
  readonly address: DirectAddress & { readonly kind: "unix" };
}

/** A server in place of an engine; it calls `answer` for each request head. */
export async function fakeEngine(
  answer: (socket: Socket, path: string) => void,
): Promise<FakeEngine> {
  const folder = await mkdtemp(join(tmpdir(), "pvh-"));
  const path = join(folder, "s");
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    let head = "";
    socket.on("data", (bytes) => {
      head += bytes.toString("latin1");
      if (!head.includes("\r\n\r\n")) return;
      const [, asked = ""] = head.split(" ");
      head = "";
      answer(socket, asked);
    });
  });
  server.listen(path);
  await once(server, "listening");
  return {
    address: { kind: "unix", host: `unix://${path}`, path },
    async [Symbol.asyncDispose]() {
      server.close();
      for (const socket of sockets) socket.destroy();
      await rm(folder, { recursive: true });
    },
  };
}

/** A whole answer, as HTTP has it. */
export function http(status: number, type: string, body: string): string {
  return `HTTP/1.1 ${status} Word\r\nContent-Type: ${type}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}
