import { fstatSync } from "node:fs";
import { EPOLLIN, closeFd } from "../linux/epoll.ts";
import { SystemCallError } from "../linux/errno.ts";
import { O_PATH } from "../linux/openat2.ts";
import { refuseFds } from "../linux/pass-rights.ts";
import { connectToInode } from "../linux/unix-stream.ts";
import type { Quirks } from "../quirks/quirks.ts";
import { ContainerRoot } from "./container-root.ts";
import type { EventTable, Registration } from "./splice-events.ts";
import type { SpliceRoute } from "./splice-messages.ts";

/** The way to a provider, until its process ends: nothing is held of a container that has. */
export class ProviderRoute implements Disposable {
  readonly #root: ContainerRoot;
  readonly #pidfd: number;
  readonly #path: string;
  readonly #events: EventTable;
  readonly #registration: Registration;

  /**
   * Owns the route's descriptors.
   * @param onEnded the provider's process has ended; dispose of the route
   */
  constructor(route: SpliceRoute, events: EventTable, quirks: Quirks, onEnded: () => void) {
    this.#root = new ContainerRoot({ openRoot: () => route.root }, quirks);
    this.#pidfd = route.pidfd;
    this.#path = route.path;
    this.#events = events;
    this.#registration = events.add(route.pidfd, EPOLLIN, { onEvents: onEnded });
  }

  /**
   * Connect, without waiting. The path is looked up each time: a provider may bind it anew.
   * @returns an fd that the caller owns, to which nobody can send fds
   * @throws SystemCallError; Error when it is not a socket
   */
  connect(): number {
    const inode = this.#root.open(this.#path, O_PATH);
    try {
      return connectToInode(inode, refuseFds);
    } catch (error) {
      // The kernel says the same of a file that is no socket as of one that nobody serves.
      const isRefused = error instanceof SystemCallError && error.code === "ECONNREFUSED";
      if (!isRefused || fstatSync(inode).isSocket()) throw error;
      throw new Error(`the provider's ${this.#path} is not a socket`, { cause: error });
    } finally {
      closeFd(inode);
    }
  }

  [Symbol.dispose](): void {
    this.#events.release(this.#registration);
    closeFd(this.#pidfd);
    this.#root[Symbol.dispose]();
  }
}
