import { once } from "node:events";
import { Socket, connect } from "node:net";
import { text } from "node:stream/consumers";
import { expect, it } from "vitest";
import { ConnectionLimit } from "./connection-limit.ts";
import { start, statusOf } from "./control-server.fixture.ts";

const container = (name: string) => ({ kind: "container", pid: 1, name }) as const;

function openUntilRefused(limit: ConnectionLimit, name: string): Socket[] {
  const sockets: Socket[] = [];
  for (;;) {
    const socket = new Socket();
    if (!limit.admit(container(name), socket)) return sockets;
    sockets.push(socket);
  }
}

it("a container that has too many leaves the others theirs", async () => {
  const limit = new ConnectionLimit();
  const [first] = openUntilRefused(limit, "a");
  expect(limit.admit(container("b"), new Socket())).toBe(true);
  first?.destroy();
  if (first !== undefined) await once(first, "close");
  expect(limit.admit(container("a"), new Socket())).toBe(true);
  expect(limit.admit(container("a"), new Socket())).toBe(false);
});

it("all containers together leave the appengine its connections", () => {
  const limit = new ConnectionLimit();
  const names = Array.from({ length: 100 }, (_, index) => `c${index}`);
  const taken = names.flatMap((name) => openUntilRefused(limit, name)).length;
  expect(taken).toBeLessThan(4096);
  expect(limit.admit({ kind: "host", pid: 1 }, new Socket())).toBe(true);
  expect(limit.admit({ kind: "unknown", pid: 0 }, new Socket())).toBe(false);
});

it("a connection too many is a 503", async () => {
  const { path } = await start("", { caller: container("c") });
  const sockets = Array.from({ length: 129 }, () => connect(path));
  const last = sockets.at(-1);
  expect(statusOf(last === undefined ? "" : await text(last))).toBe(503);
  for (const socket of sockets) socket.destroy();
});
