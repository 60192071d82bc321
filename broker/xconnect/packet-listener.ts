import { closeSync } from "node:fs";
import { acceptConnection } from "../linux/accept.ts";
import { MessageSocket } from "../linux/message-socket.ts";
import { watch } from "../linux/readiness.ts";
import type { PauseReason, SocketListener } from "./listener.ts";

/** Connections that are accepted before anything else gets its turn. */
const PER_TURN = 64;
/** Milliseconds until accept is tried again when there are no descriptors left. */
const RETRY = 100;

/** Accepts on a SOCK_SEQPACKET socket, which node:net cannot serve. */
export class PacketListener implements SocketListener {
  readonly kind = "seqpacket";
  readonly #fd: number;
  readonly #onConnection: (socket: MessageSocket) => void;
  readonly #onError: (error: unknown) => void;
  readonly #watcher: Disposable;
  readonly #paused = new Set<PauseReason>();
  #isOpen = true;
  #retry: NodeJS.Timeout | undefined;

  /** @param fd listening and non-blocking; owned by the listener from here on */
  constructor(
    fd: number,
    onConnection: (socket: MessageSocket) => void,
    onError: (error: unknown) => void,
  ) {
    this.#fd = fd;
    this.#onConnection = onConnection;
    this.#onError = onError;
    this.#watcher = watch(fd, () => this.#accept());
  }

  isPaused(reason: PauseReason): boolean {
    return this.#paused.has(reason);
  }

  pause(reason: PauseReason): void {
    this.#paused.add(reason);
  }

  resume(reason: PauseReason): void {
    // No edge comes for who has connected meanwhile.
    if (this.#paused.delete(reason)) this.#accept();
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    clearTimeout(this.#retry);
    this.#watcher[Symbol.dispose]();
    closeSync(this.#fd);
  }

  #accept(): void {
    for (let turn = 0; turn < PER_TURN; turn += 1) {
      if (!this.#isOpen || this.#paused.size > 0) return;
      let fd: number | undefined;
      try {
        fd = acceptConnection(this.#fd);
      } catch (error) {
        this.#onError(error);
        // No edge comes for who waits already.
        this.#retry = setTimeout(() => this.#accept(), RETRY);
        return;
      }
      if (fd === undefined) return;
      this.#onConnection(new MessageSocket(fd, "seqpacket"));
    }
    setImmediate(() => this.#accept());
  }
}
