import type { Peer } from "./peer.ts";
import { unpinnedPeer } from "./unpinned-peer.ts";

/** Any process that has this pid at the moment. */
export function numberedPeer(pid: number): Peer {
  return unpinnedPeer(pid, `/proc/${pid}/root`);
}
