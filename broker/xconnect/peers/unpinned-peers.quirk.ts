import { openSync } from "node:fs";
import { O_DIRECTORY, O_PATH } from "../../shared/linux/openat2.ts";
import type { Peer } from "./peer.ts";

/** Any process that has this pid at the moment. */
export function numberedPeer(pid: number): Peer {
  return unpinned(pid, `/proc/${pid}/root`);
}

/** The appengine itself as if it were a container. */
export const hostPeer: Peer = unpinned(0, "/");

function unpinned(pid: number, root: string): Peer {
  return {
    pid,
    start: 0,
    running: () => true,
    openRoot: () => openSync(root, O_PATH | O_DIRECTORY),
    close: () => undefined,
  };
}
