import { connect, createServer } from "node:net";
import type { Socket } from "node:net";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { none } from "../../shared/quirks/quirks.ts";
import { containerOf } from "../../shared/formats/container-cgroup.ts";
import { identifyCaller, ownerOf } from "./caller.ts";

it.each([
  ["0::/\n", undefined],
  ["0::/../../user.slice\n", undefined],
  ["0::/lxc.payload.pv-example\n", "pv-example"],
  ["0::/lxc.payload.pv-example/system.slice/x\n", "pv-example"],
  ["0::/docker/abc/lxc.payload.a\n", "a"],
  ["0::/runc.payload.pv-example\n", "pv-example"],
  ["0::/lxc/pv-example\n", "pv-example"],
  ["0::/lxc/pv-example/.lxc\n", "pv-example"],
  ["12:devices:/\n1:name=pantavisor:/lxc/pv-example\n0::/\n", "pv-example"],
  ["1:name=pantavisor:/\n0::/\n", undefined],
  ["0::/lxc.monitor.pv-example\n", undefined],
  ["", undefined],
])("the cgroup %j belongs to %s", (cgroup, name) => {
  expect(containerOf(cgroup)).toBe(name);
});

describe("a cgroup belongs to the container whose init is in it", () => {
  const cgroups: Readonly<Record<number, string>> = {
    7: "0::/lxc.payload.web-1\n",
    8: "0::/lxc.payload.web-1-1\n",
  };
  const cgroupOf = (pid: number): string => cgroups[pid] ?? "";

  it.each([
    ["web", [["web", -1]], "web"],
    ["web-1", [["web", 7]], "web"],
    // A container that is named as another one's second cgroup.
    [
      "web-1",
      [
        ["web-1", 8],
        ["web", 7],
      ],
      "web",
    ],
    [
      "web-1-1",
      [
        ["web-1", 8],
        ["web", 7],
      ],
      "web-1",
    ],
    // A process that was left in the first cgroup.
    ["web", [["web", 7]], "web"],
    ["web-1", [], "web-1"],
  ] as const)("%s with %j: %s", (payload, running, name) => {
    const containers = running.map(([one, init]) => ({ name: one, init }));
    expect(ownerOf(payload, containers, cgroupOf)).toBe(name);
  });
});

it("a process in our own namespaces, and in no container, is the host", async () => {
  const folder = mkdtempSync(join(tmpdir(), "pvh-caller-"));
  const path = join(folder, "socket");
  const server = createServer();
  try {
    await new Promise<void>((resolve) => server.listen(path, resolve));
    const accepted = new Promise<Socket>((resolve) => server.once("connection", resolve));
    const client = connect(path);
    const socket = await accepted;
    expect(identifyCaller(socket, () => [], none)).toEqual({ kind: "host", pid: process.pid });
    client.destroy();
    socket.destroy();
    expect(identifyCaller(socket, () => [], none)).toEqual({ kind: "unknown", pid: 0 });
  } finally {
    server.close();
    rmSync(folder, { recursive: true });
  }
});
