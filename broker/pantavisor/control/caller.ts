import { readFileSync, readlinkSync } from "node:fs";
import type { Socket } from "node:net";
import { peerProcess } from "../../shared/linux/peer-process.ts";
import type { Quirks } from "../../shared/quirks/quirks.ts";

/**
 * Caller of pv-ctrl (docs/pantavisor.md §3.2). Only the kernel is trusted to identify it: by the
 * process that connected, its cgroup and its namespaces. A caller that is gone, or that
 * is neither in a container of ours nor beside us, is unknown and refused.
 */
export type Caller =
  /** A process of the appengine itself. */
  | { readonly kind: "host"; readonly pid: number }
  | { readonly kind: "container"; readonly pid: number; readonly name: string }
  | { readonly kind: "unknown"; readonly pid: number };

/** Identify the process at the other end, at the time of its connect. */
export function identifyCaller(socket: Socket, quirks: Quirks): Caller {
  using peer = peerProcess(socket);
  if (peer === undefined || peer.pid <= 0) return { kind: "unknown", pid: 0 };
  const { pid } = peer;
  const facts = readFacts(pid);
  // Only if it still lives now were those facts its own, not those of a recycled pid.
  if (facts === undefined || !peer.isAlive()) return { kind: "unknown", pid };
  const name = containerOf(facts.cgroup);
  if (name !== undefined) return { kind: "container", pid, name };
  const isHost = quirks.has("cgroup-caller-unknown")
    ? /^0::\/(\.\.\/|$)/m.test(facts.cgroup)
    : facts.isBesideUs;
  return { kind: isHost ? "host" : "unknown", pid };
}

/**
 * The container that a cgroup belongs to. Forms: cgroup v2 `0::/lxc.payload.NAME[/…]` or
 * `0::/runc.payload.NAME[/…]`, the real appengine's `…/lxc/NAME`, cgroup v1
 * `N:name=pantavisor:/lxc/NAME`.
 * @param cgroup text of /proc/PID/cgroup
 */
export function containerOf(cgroup: string): string | undefined {
  for (const line of cgroup.split("\n")) {
    const path = line.split(":").slice(2).join(":");
    const match = /(?:^|\/)(?:(?:lxc|runc)\.payload\.|lxc\/)([^/]+)/.exec(path);
    if (match?.[1] !== undefined) return match[1];
  }
  return undefined;
}

interface Facts {
  readonly cgroup: string;
  /** Same pid and mount namespaces as pantavisor: no container has that. */
  readonly isBesideUs: boolean;
}

function readFacts(pid: number): Facts | undefined {
  try {
    const isBesideUs = ["pid", "mnt"].every(
      (kind) => readlinkSync(`/proc/${pid}/ns/${kind}`) === readlinkSync(`/proc/self/ns/${kind}`),
    );
    return { cgroup: readFileSync(`/proc/${pid}/cgroup`, "utf8"), isBesideUs };
  } catch {
    return undefined;
  }
}
