import { openSync } from "node:fs";
import { O_DIRECTORY, O_PATH } from "../../shared/linux/openat2.ts";
import type { Peer } from "./peer.ts";

/** The appengine itself, the provider of the bus that pantavisor hosts. It outlives the broker. */
export const hostPeer: Peer = unpinnedPeer(0, "/");

/** @param root path of the root directory, opened anew for each use */
export function unpinnedPeer(pid: number, root: string): Peer {
  return {
    pid,
    start: 0,
    running: () => true,
    openRoot: () => openSync(root, O_PATH | O_DIRECTORY),
    close: () => undefined,
  };
}
