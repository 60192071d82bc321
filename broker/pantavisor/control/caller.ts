import { readFileSync, readlinkSync } from "node:fs";
import type { Socket } from "node:net";
import { peerProcess } from "../../shared/linux/peer-process.ts";
import { containerOf } from "../../shared/formats/container-cgroup.ts";
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

/** A container that may call. */
export interface CallingContainer {
  readonly name: string;
  /** Pid of its init; -1 when none runs. */
  readonly init: number;
}

/** Identify the process at the other end, at the time of its connect. */
export function identifyCaller(
  socket: Socket,
  containers: () => readonly CallingContainer[],
  quirks: Quirks,
): Caller {
  using peer = peerProcess(socket);
  if (peer === undefined || peer.pid <= 0) return { kind: "unknown", pid: 0 };
  // Only if it still lives now were those facts its own, not those of a recycled pid.
  return callerOfPid(peer.pid, containers, quirks, () => peer.isAlive());
}

/** Identify a process by its pid, as long as it lives. */
export function callerOfPid(
  pid: number,
  containers: () => readonly CallingContainer[],
  quirks: Quirks,
  isAlive: () => boolean = () => true,
): Caller {
  const facts = readFacts(pid);
  if (facts === undefined || !isAlive()) return { kind: "unknown", pid };
  const payload = containerOf(facts.cgroup);
  if (payload !== undefined) {
    const name = quirks.has("caller-by-cgroup-name") ? payload : ownerOf(payload, containers());
    return { kind: "container", pid, name };
  }
  const isHost = quirks.has("cgroup-caller-unknown")
    ? /^0::\/(\.\.\/|$)/m.test(facts.cgroup)
    : facts.isBesideUs;
  return { kind: isHost ? "host" : "unknown", pid };
}

/**
 * The container whose init is in a cgroup of this name. liblxc names a cgroup `NAME-1` while
 * `NAME` is taken, as by what a killed monitor has left.
 * @param payload as containerOf() gives it; it is the name while no init is known to be there
 */
export function ownerOf(
  payload: string,
  containers: readonly CallingContainer[],
  cgroupOf = readCgroup,
): string {
  const isThere = ({ init }: CallingContainer): boolean =>
    init > 0 && containerOf(cgroupOf(init)) === payload;
  const named = containers.find(({ name }) => name === payload);
  if (named !== undefined && isThere(named)) return payload;
  return containers.find(isThere)?.name ?? payload;
}

function readCgroup(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cgroup`, "utf8");
  } catch {
    return "";
  }
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
