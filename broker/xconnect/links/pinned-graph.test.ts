import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { parseGraph } from "../../shared/formats/graph.ts";
import type { ReadGraph } from "../../shared/formats/graph.ts";
import { readStartTime } from "../../shared/linux/process-start.ts";
import { parseQuirks } from "../../shared/quirks/quirks.ts";
import { PeerTable } from "../peers/peer-table.ts";
import { hostPeer } from "../peers/unpinned-peer.ts";
import { readPinnedGraph } from "./pinned-graph.ts";

const strict = parseQuirks("");

interface Ends {
  readonly consumer: number;
  readonly provider: number;
  readonly start?: number;
}

function graph({ consumer, provider, start }: Ends): ReadGraph {
  const entries = parseGraph([
    {
      consumer: "c",
      consumer_pid: consumer,
      provider: "p",
      provider_pid: provider,
      name: "x",
      type: "unix",
      socket: "/x",
      target: "/run/x",
      ...(start !== undefined && { consumer_start: start, provider_start: start }),
    },
  ]);
  return { entries, unreadable: [] };
}

describe("readPinnedGraph", () => {
  let peers: PeerTable;
  let others: ChildProcess[];
  beforeEach(() => {
    peers = new PeerTable(strict);
    others = [];
  });
  afterEach(() => {
    peers.retain(new Set());
    for (const other of others) other.kill("SIGKILL");
  });

  async function running(): Promise<number> {
    const child = spawn("sleep", ["600"]);
    others.push(child);
    await once(child, "spawn");
    return child.pid ?? 0;
  }

  it("reads once more for peers that are new and have no start time", async () => {
    const [consumer, provider] = [await running(), await running()];
    let reads = 0;
    const fetch = () => {
      reads += 1;
      return Promise.resolve(graph({ consumer, provider }));
    };
    const { desired } = await readPinnedGraph(fetch, peers, strict);
    expect(reads).toBe(2);
    expect(desired[0]).toMatchObject({ consumer: { pid: consumer }, provider: { pid: provider } });
    await readPinnedGraph(fetch, peers, strict);
    expect(reads).toBe(3);
  });

  it("gives up on a graph that names other new processes each time", async () => {
    const pids = await Promise.all(Array.from({ length: 6 }, () => running()));
    const fetch = () =>
      Promise.resolve(graph({ consumer: pids.pop() ?? 0, provider: pids.pop() ?? 0 }));
    await expect(readPinnedGraph(fetch, peers, strict)).rejects.toThrow("changes all the time");
    expect(pids).toEqual([]);
  });

  it("takes the graph's word for a process with its start time, and for no other", async () => {
    const pid = await running();
    const start = readStartTime(pid);
    let reads = 0;
    const read = (at: number) => {
      reads += 1;
      return Promise.resolve(graph({ consumer: pid, provider: pid, start: at }));
    };
    const now = await readPinnedGraph(() => read(start), peers, strict);
    expect(now.desired[0]?.consumer).toBe(now.desired[0]?.provider);
    expect(now.desired[0]?.consumer).toMatchObject({ pid, start });
    const former = await readPinnedGraph(() => read(start - 1), peers, strict);
    expect(former.desired[0]).toMatchObject({ consumer: undefined, provider: undefined });
    expect(reads).toBe(2);
  });

  it("has the appengine as the provider of the hosted bus, and of nothing else", async () => {
    const consumer = await running();
    const providerOf = async (socket: string, uid?: number) => {
      const entry = { consumer: "c", consumer_pid: consumer, provider: "_pv_", provider_pid: 0 };
      const entries = parseGraph([{ ...entry, name: "system-bus", type: "dbus", socket, uid }]);
      const read = () => Promise.resolve({ entries, unreadable: [] });
      return (await readPinnedGraph(read, peers, strict)).desired[0]?.provider;
    };
    expect(await providerOf("/run/pv/dbus/system_bus_socket", 90_000)).toBe(hostPeer);
    expect(await providerOf("/run/pv/dbus/system_bus_socket")).toBeUndefined();
    expect(await providerOf("/run/pantavisor/pv/pv-ctrl", 90_000)).toBeUndefined();
  });
});
