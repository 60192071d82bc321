import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import type { Server, Socket } from "node:net";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { peerProcess } from "./peer-process.ts";

const CLIENT = `
  require("node:net").connect({ path: process.argv[1], allowHalfOpen: true });
  process.stdin.resume().on("end", () => process.exit());
`;

let folder: string;
let server: Server;
let child: ChildProcess;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "pvh-peer-"));
  server = createServer({ allowHalfOpen: true }).listen(join(folder, "socket"));
  child = spawn(process.execPath, ["-e", CLIENT, join(folder, "socket")], {
    stdio: ["pipe", "inherit", "inherit"],
  });
});

afterEach(() => {
  child.kill();
  server.close();
  rmSync(folder, { recursive: true });
});

it("names the process that connected, and knows when it has gone", async () => {
  const [socket] = (await once(server, "connection")) as [Socket];
  using peer = peerProcess(socket);
  expect(peer?.pid).toBe(child.pid);
  expect(peer?.isAlive()).toBe(true);
  child.stdin?.end();
  await once(child, "exit");
  await vi.waitFor(() => expect(peer?.isAlive()).toBe(false), { timeout: 10_000 });
  socket.destroy();
});

it("names nobody who lives once that process has been reaped: its pid may be another's", async () => {
  const [socket] = (await once(server, "connection")) as [Socket];
  child.stdin?.end();
  await once(child, "exit");
  using peer = peerProcess(socket);
  expect(peer?.isAlive()).not.toBe(true);
  socket.destroy();
});
