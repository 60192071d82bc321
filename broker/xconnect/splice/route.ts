import { EPOLLIN, closeFd } from "../../linux/epoll.ts";
import { refuseFds } from "../../linux/pass-rights.ts";
import { connectToInode } from "../../linux/unix-stream.ts";
import type { Quirks } from "../../quirks/quirks.ts";
import { ContainerRoot } from "../container-root.ts";
import { dialProvider } from "../dial-provider.ts";
import type { EventTable, Registration } from "./event-table.ts";
import type { SpliceRoute } from "./messages.ts";

/** The way to a provider, until its process ends: nothing is held of a container that has. */
export class ProviderRoute implements Disposable {
  readonly #root: ContainerRoot;
  readonly #pidfd: number;
  readonly #path: string;
  readonly #quirks: Quirks;
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
    this.#quirks = quirks;
    this.#events = events;
    this.#registration = events.add(route.pidfd, EPOLLIN, { onEvents: onEnded });
  }

  /**
   * @returns a connected fd that the caller owns, to which nobody can send fds
   * @throws as dialProvider does
   */
  connect(): number {
    const connect = (inode: number) => connectToInode(inode, { prepare: refuseFds });
    return dialProvider(this.#root, this.#path, connect, this.#quirks);
  }

  [Symbol.dispose](): void {
    this.#events.release(this.#registration);
    closeFd(this.#pidfd);
    this.#root[Symbol.dispose]();
  }
}
