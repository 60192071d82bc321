import { closeSync, fstatSync, openSync, readlinkSync, statSync } from "node:fs";
import type { BigIntStats } from "node:fs";
import { O_DIRECTORY, O_PATH } from "../../shared/linux/openat2.ts";
import { hasExited, openPidfd } from "../../shared/linux/pidfd.ts";
import { readStartTime } from "../../shared/linux/process-start.ts";
import { HeldRoot } from "./held-root.ts";
import { PeerGone } from "./peer-gone.ts";
import type { PeerId } from "./peer-id.ts";

/** One container's init process, and the way into its root file system. */
export interface Peer extends PeerId {
  running(): boolean;
  /**
   * @returns an O_PATH fd of its root directory that the caller owns
   * @throws PeerGone when the process has ended
   */
  openRoot(): number;
  /**
   * As `openRoot`, on loan, for frequent uses that are over at once (HeldRoot). Absent where the
   * peer is not a pinned process.
   */
  lendRoot?(): number;
  close(): void;
}

/**
 * Pin the process that has this pid now. Everything done through the result is done to that process
 * or not at all: each step that uses the pid (/proc/PID) is followed by a look at the pidfd, and
 * while the process lives no other can have its pid.
 *
 * @returns undefined when there is no such process
 */
export function pinPeer(pid: number): Peer | undefined {
  let pidfd: number;
  try {
    pidfd = openPidfd(pid);
  } catch {
    return undefined;
  }
  try {
    const start = readStartTime(pid);
    if (!hasExited(pidfd)) return new PinnedPeer(pid, start, pidfd);
  } catch {
    // The process has ended in between.
  }
  closeSync(pidfd);
  return undefined;
}

class PinnedPeer implements Peer {
  readonly pid: number;
  readonly start: number;
  #pidfd: number | undefined;
  readonly #root: HeldRoot;

  constructor(pid: number, start: number, pidfd: number) {
    this.pid = pid;
    this.start = start;
    this.#pidfd = pidfd;
    this.#root = new HeldRoot(pid, pidfd, () => this.openRoot());
  }

  running(): boolean {
    return this.#pidfd !== undefined && !hasExited(this.#pidfd);
  }

  openRoot(): number {
    if (!this.running()) throw new PeerGone(`process ${this.pid} has ended`);
    let root: number;
    try {
      root = openSync(`/proc/${this.pid}/root`, O_PATH | O_DIRECTORY);
    } catch (error) {
      if (this.running()) throw error;
      throw new PeerGone(`process ${this.pid} has ended`, { cause: error });
    }
    try {
      if (isOwnFileSystem(this.pid, root)) {
        throw new Error(`process ${this.pid} has no file system of its own`);
      }
      if (!this.running()) throw new PeerGone(`process ${this.pid} has ended`);
      return root;
    } catch (error) {
      closeSync(root);
      throw error;
    }
  }

  lendRoot(): number {
    return this.#root.lend();
  }

  close(): void {
    this.#root.release();
    if (this.#pidfd !== undefined) closeSync(this.#pidfd);
    this.#pidfd = undefined;
  }
}

/** True for a root that the broker itself sees: no link may act on it, whatever the graph says. */
function isOwnFileSystem(pid: number, root: number): boolean {
  const its = fstatSync(root, { bigint: true });
  own ??= { root: statSync("/", { bigint: true }), mounts: readlinkSync("/proc/self/ns/mnt") };
  if (its.dev !== own.root.dev || its.ino !== own.root.ino) return false;
  return readlinkSync(`/proc/${pid}/ns/mnt`) === own.mounts;
}

/** Root and mount namespace of the broker, which never change. */
let own: { readonly root: BigIntStats; readonly mounts: string } | undefined;
