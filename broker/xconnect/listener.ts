import { closeSync } from "node:fs";
import { createServer } from "node:net";
import type { Server, Socket } from "node:net";
import { duplicate } from "../linux/duplicate.ts";
import type { SocketType } from "../linux/unix-stream.ts";
import { BACKLOG } from "./injection.ts";

/** Why a listener accepts nobody for the time being. */
export type PauseReason = "provider" | "limit";

/** What a link's socket is served by. */
export interface SocketListener {
  readonly kind: SocketType | "spliced";
  isPaused(reason: PauseReason): boolean;
  /** Accept nobody until every reason to pause has been taken back. */
  pause(reason: PauseReason): void;
  resume(reason: PauseReason): void;
  close(): void;
}

/**
 * A listening socket that can stop accepting without closing: those who connect meanwhile wait
 * in the kernel's backlog. Node's own server can only be closed, so it gets a duplicate of the
 * descriptor for as long as it is to accept.
 */
export class Listener implements SocketListener {
  readonly kind = "stream";
  readonly #fd: number;
  readonly #onConnection: (socket: Socket) => void;
  readonly #onError: (error: Error) => void;
  readonly #paused = new Set<PauseReason>();
  #server: Server | undefined;
  #closed = false;

  /** @param fd listening socket; owned by the listener from here on */
  constructor(fd: number, onConnection: (socket: Socket) => void, onError: (error: Error) => void) {
    this.#fd = fd;
    this.#onConnection = onConnection;
    this.#onError = onError;
    this.#accept();
  }

  isPaused(reason: PauseReason): boolean {
    return this.#paused.has(reason);
  }

  pause(reason: PauseReason): void {
    this.#paused.add(reason);
    this.#server?.close();
    this.#server = undefined;
  }

  resume(reason: PauseReason): void {
    this.#paused.delete(reason);
    if (this.#paused.size === 0 && this.#server === undefined && !this.#closed) this.#accept();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#server?.close();
    closeSync(this.#fd);
  }

  #accept(): void {
    let fd: number;
    try {
      fd = duplicate(this.#fd);
    } catch (error) {
      // No descriptor left: whoever counts them resumes when there are some.
      this.#paused.add("limit");
      this.#onError(error instanceof Error ? error : new Error(String(error)));
      return;
    }
    const options = { allowHalfOpen: true, pauseOnConnect: true };
    this.#server = createServer(options, this.#onConnection);
    this.#server.on("error", this.#onError);
    // Node calls listen(2) again; beside an fd it takes the backlog as second argument only.
    this.#server.listen({ fd }, BACKLOG);
  }
}
