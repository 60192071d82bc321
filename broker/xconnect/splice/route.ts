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
   * @param begin gets a connected fd, which it owns, to which nobody can send fds; called before
   *        anything else is done: the provider is awake now and should find what it was sent.
   *        Must not throw
   * @throws as dialProvider does, and `begin` has not been called then
   */
  connect(begin: (provider: number) => void): void {
    const connect = (inode: number) => {
      const provider = connectToInode(inode, { prepare: refuseFds });
      begin(provider);
      return provider;
    };
    dialProvider(this.#root, this.#path, connect, this.#quirks);
  }

  [Symbol.dispose](): void {
    this.#events.release(this.#registration);
    closeFd(this.#pidfd);
    this.#root[Symbol.dispose]();
  }
}
