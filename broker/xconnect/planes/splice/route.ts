import { EPOLLIN, closeFd } from "../../../shared/linux/epoll.ts";
import { refuseFds } from "../../../shared/linux/pass-rights.ts";
import { connectToInode } from "../../../shared/linux/unix-stream.ts";
import type { Quirks } from "../../../shared/quirks/quirks.ts";
import { ContainerRoot } from "../../peers/container-root.ts";
import { dialProvider } from "../../peers/dial-provider.ts";
import type { EventTable, Registration } from "./event-table.ts";
import type { SpliceRoute } from "./messages.ts";

/**
 * The route to a provider. It is disposed of when the process ends, so no ended container is held.
 */
export class ProviderRoute implements Disposable {
  readonly #root: ContainerRoot;
  readonly #pidfd: number;
  readonly #path: string;
  readonly #quirks: Quirks;
  readonly #events: EventTable;
  readonly #registration: Registration;

  /**
   * @param route descriptors that this owns from now on
   * @param onEnded called when the provider's process has ended; it has to dispose of the route
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
   * @param begin called with a connected fd that refuses fds and that it owns. It is called first
   *   of all, so that the provider, which the connection wakes, finds the consumer's bytes. It must
   *   not throw
   * @throws the errors of dialProvider, without a call of `begin`
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
