import { once } from "node:events";
import { mkdtempSync, openSync, rmSync } from "node:fs";
import { connect } from "node:net";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { closeFd } from "../../shared/linux/epoll.ts";
import { O_DIRECTORY, O_PATH } from "../../shared/linux/openat2.ts";
import { listenIn } from "../../shared/linux/unix-stream.ts";
import { Listener } from "./listener.ts";

let directory: string;
let listener: Listener;
let accepted: number[];
let clients: Socket[];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "listener-"));
  accepted = [];
  clients = [];
  const folder = openSync(directory, O_PATH | O_DIRECTORY);
  const onError = (error: unknown) => expect.unreachable(String(error));
  const fd = listenIn(folder, "s.sock", 0o600, 8);
  listener = new Listener(fd, "stream", (connection) => accepted.push(connection), onError);
  closeFd(folder);
});

afterEach(() => {
  listener.close();
  for (const fd of accepted) closeFd(fd);
  for (const client of clients) client.destroy();
  rmSync(directory, { recursive: true });
});

async function dial(): Promise<void> {
  const client = connect(join(directory, "s.sock"));
  // ECONNRESET comes when the listener closes.
  client.on("error", () => undefined);
  clients.push(client);
  await once(client, "connect");
}

test("everybody is accepted, in a descriptor of their own", async () => {
  await Promise.all([dial(), dial(), dial()]);
  await vi.waitUntil(() => accepted.length === 3, { timeout: 10_000 });
  expect(new Set(accepted).size).toBe(3);
});

test("connections wait in the backlog until each reason to pause has passed", async () => {
  listener.pause("limit");
  listener.pause("provider");
  await dial();
  listener.resume("limit");
  await dial();
  expect(accepted).toEqual([]);
  listener.resume("provider");
  await vi.waitUntil(() => accepted.length === 2, { timeout: 10_000 });
});

test("a listener that is paused at a connection accepts no other of those who wait", async () => {
  listener.pause("provider");
  await Promise.all([dial(), dial()]);
  const push = accepted.push.bind(accepted);
  accepted.push = (fd) => {
    listener.pause("limit");
    return push(fd);
  };
  listener.resume("provider");
  await vi.waitUntil(() => accepted.length > 0, { timeout: 10_000 });
  await dial();
  expect(accepted).toHaveLength(1);
});

test("closing it refuses who waits, and can be done twice", async () => {
  listener.pause("limit");
  await dial();
  clients[0]?.resume();
  listener.close();
  listener.close();
  await vi.waitUntil(() => clients[0]?.destroyed, { timeout: 10_000 });
  expect(accepted).toEqual([]);
});
