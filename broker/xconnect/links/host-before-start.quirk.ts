import { existsSync } from "node:fs";
import { dirname } from "node:path";
import type { GraphEntry } from "../../shared/formats/graph.ts";
import type { Peer } from "../peers/peer.ts";
import { hostPeer } from "../peers/unpinned-peer.ts";

/** The appengine itself for a consumer without a process, where the target's folder is there. */
export function hostBeforeStart({ consumer_pid: pid, target }: GraphEntry): Peer | undefined {
  return pid <= 0 && target !== null && existsSync(dirname(target)) ? hostPeer : undefined;
}
