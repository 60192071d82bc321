import { closeSync } from "node:fs";
import { openPidfd } from "../../shared/linux/pidfd.ts";
import type { Quirks } from "../../shared/quirks/quirks.ts";
import type { LinkRecord } from "./link-record.ts";
import type { SocketListener } from "./listener.ts";
import type { SessionLimits } from "./session-limits.ts";
import type { SpliceRoute } from "../planes/splice/messages.ts";
import { SplicePlane } from "../planes/splice/plane.ts";
import type { SplicedLink } from "../planes/splice/plane.ts";

export interface SplicedSocketsOptions {
  readonly quirks: Quirks;
  readonly limits: SessionLimits;
  readonly onFailed: (record: LinkRecord, why: string) => void;
}

/** The planted sockets that the splice worker serves. The worker is started for the first one. */
export class SplicedSockets {
  readonly #options: SplicedSocketsOptions;
  #plane: SplicePlane | undefined;

  constructor(options: SplicedSocketsOptions) {
    this.#options = options;
  }

  /**
   * Serve a planted socket. Open sessions of the record go on when it gets another socket.
   * @param fd listening, non-blocking, refuses fds; owned from now on
   * @param onAccepted called with the number of connections accepted since the last call
   */
  serve(record: LinkRecord, fd: number, onAccepted: (count: number) => void): SocketListener {
    const link = (record.spliced ??= this.#add(record, onAccepted));
    link.listen(fd);
    return {
      kind: "spliced",
      // Only "provider" matters here: the worker keeps to the session limit itself.
      pause: (reason) => reason === "provider" && link.hold(),
      resume: (reason) => reason === "provider" && link.resume(),
      close: () => link.listen(undefined),
    };
  }

  async close(): Promise<void> {
    await this.#plane?.stop();
    this.#plane = undefined;
  }

  #add(record: LinkRecord, onAccepted: (count: number) => void): SplicedLink {
    const { quirks, limits, onFailed } = this.#options;
    this.#plane ??= new SplicePlane(quirks, limits.budget.promised);
    const shared = {
      counters: record.counters.spliced,
      ofConsumer: limits.sessionsOf(record.link.consumer),
    };
    return this.#plane.add(shared, {
      openRoute: () => openRoute(record),
      onAccepted,
      onLimitReached: () => limits.reached(record),
      onFailed: (why) => onFailed(record, why),
    });
  }
}

/** Open the route to the record's provider, which may have changed since the link began. */
function openRoute({ wanted, link, state }: LinkRecord): SpliceRoute | undefined {
  if (state === "refused") return undefined;
  const { provider } = wanted;
  try {
    const pidfd = openPidfd(provider.pid);
    try {
      // Open the root after the pidfd: then it is the root of that process, and of no successor.
      return { root: provider.openRoot(), pidfd, path: link.socket };
    } catch (error) {
      closeSync(pidfd);
      throw error;
    }
  } catch {
    return undefined;
  }
}
