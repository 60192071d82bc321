import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, symlink } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { serveGraph } from "../bench/ctrl-stub.ts";
import { PROJECT } from "../image/sources.ts";
import { localMesh } from "./local-mesh.ts";

const LINK = {
  type: "unix",
  name: "raw",
  consumer: "client",
  consumer_pid: 0,
  provider: "server",
  provider_pid: 0,
  role: "any",
  interface: "/run/raw.sock",
  socket: "/run/server.sock",
};
const signal = new AbortController().signal;
const isRoot = process.getuid?.() === 0;

async function socketPath(): Promise<string> {
  return join(await mkdtemp(join(tmpdir(), "mesh-")), "pv-ctrl");
}

async function serving(...graph: readonly unknown[]): Promise<string> {
  const ctrl = await socketPath();
  const stub = await serveGraph(ctrl, () => graph);
  onTestFinished(() => stub[Symbol.asyncDispose]());
  return ctrl;
}

test("a pv-ctrl without a broker has a graph and no status", async () => {
  const { graph, status } = await localMesh(await serving(LINK), signal);
  expect(graph).toMatchObject([{ name: "raw", target: "/run/raw.sock" }]);
  expect(status).toBeUndefined();
});

test.runIf(isRoot)("the broker of this pv-ctrl is asked, by any name of its socket", async () => {
  const ctrl = await serving(LINK);
  const broker = spawn(
    process.execPath,
    [join(PROJECT, "broker/xconnect/pv-xconnect.main.ts"), "--ctrl", ctrl],
    { stdio: "ignore" },
  );
  onTestFinished(async () => {
    broker.kill();
    await once(broker, "exit");
  });
  const otherName = `${ctrl}-too`;
  await symlink(ctrl, otherName);
  const status = await vi.waitUntil(async () => (await localMesh(otherName, signal)).status, {
    timeout: 10_000,
  });
  expect(status).toMatchObject({ pid: broker.pid, ctrl });
});

test("no socket at the path is the caller's mistake", async () => {
  const mesh = localMesh("/nowhere/pv-ctrl", signal);
  await expect(mesh).rejects.toMatchObject({ code: "PVH_USAGE" });
});

test("what is no graph is pv-ctrl's", async () => {
  const ctrl = await socketPath();
  const server = createServer((_, response) => response.end("not a graph")).listen(ctrl);
  await once(server, "listening");
  onTestFinished(() => void server.close());
  await expect(localMesh(ctrl, signal)).rejects.toMatchObject({ code: "PVH_CONTROL" });
});
