import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import type { Socket } from "node:net";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, vi } from "vitest";
import { peerProcess } from "./peer-process.ts";

const CLIENT = `
  require("node:net").connect({ path: process.argv[1], allowHalfOpen: true });
  process.stdin.resume().on("end", () => process.exit());
`;

it("names the process that connected, and knows when it has gone", async () => {
  const folder = mkdtempSync(join(tmpdir(), "pvh-peer-"));
  const server = createServer({ allowHalfOpen: true });
  server.listen(join(folder, "socket"));
  const child = spawn(process.execPath, ["-e", CLIENT, join(folder, "socket")], {
    stdio: ["pipe", "inherit", "inherit"],
  });
  try {
    const [socket] = (await once(server, "connection")) as [Socket];
    using peer = peerProcess(socket);
    expect(peer?.pid).toBe(child.pid);
    expect(peer?.isAlive()).toBe(true);
    child.stdin.end();
    await once(child, "exit");
    await vi.waitFor(() => expect(peer?.isAlive()).toBe(false), { timeout: 10_000 });
    socket.destroy();
  } finally {
    child.kill();
    server.close();
    rmSync(folder, { recursive: true });
  }
});
