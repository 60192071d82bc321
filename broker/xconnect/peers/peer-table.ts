import type { Quirks } from "../../shared/quirks/quirks.ts";
import { pinPeer } from "./peer.ts";
import { isOfAnother } from "./peer-container.ts";
import type { Peer } from "./peer.ts";
import { numberedPeer } from "./unpinned-peers.quirk.ts";

/** Owns the peers that links use, each pinned once. */
export class PeerTable {
  readonly #byPid = new Map<number, Peer>();
  readonly #quirks: Quirks;

  constructor(quirks: Quirks) {
    this.#quirks = quirks;
  }

  /**
   * @param start start time in the graph, if it gives one
   * @param container of which the graph says that this is the init process
   * @returns the running process with this pid, `isNew` when it was pinned just now; undefined when
   *          there is none, when its start time is another, or when it is of another container
   */
  pin(
    pid: number,
    start: number | undefined,
    container: string,
  ): { peer: Peer; isNew: boolean } | undefined {
    if (pid <= 0) return undefined;
    if (this.#quirks.has("pid-reuse")) return { peer: numberedPeer(pid), isNew: false };
    const known = this.#byPid.get(pid);
    if (known?.running() === true)
      return matches(known, start, container) ? { peer: known, isNew: false } : undefined;
    this.#drop(pid);
    const peer = pinPeer(pid);
    if (peer === undefined) return undefined;
    this.#byPid.set(pid, peer);
    return matches(peer, start, container) ? { peer, isNew: true } : undefined;
  }

  /** Let go of all peers that are not in use. */
  retain(inUse: ReadonlySet<Peer>): void {
    for (const [pid, peer] of this.#byPid) {
      if (!inUse.has(peer)) this.#drop(pid);
    }
  }

  #drop(pid: number): void {
    this.#byPid.get(pid)?.close();
    this.#byPid.delete(pid);
  }
}

function matches(peer: Peer, start: number | undefined, container: string): boolean {
  return start === undefined ? !isOfAnother(peer.pid, container) : start === peer.start;
}
