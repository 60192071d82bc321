import { closeSync } from "node:fs";
import { POLLIN, POLLOUT } from "../shared/linux/poll.ts";
import { EAGAIN, EINTR, Scratch, receive, send } from "../shared/linux/stream-io.ts";
import { waitFor } from "./channel.ts";
import { GuestErrno } from "./guest-errno.ts";

/** Bytes of one system call. */
const CHUNK = 64 * 1024;
// For all connections: calls do not overlap. Bytes that are kept are copied.
const incoming = new Scratch(CHUNK);
const outgoing = new Scratch(CHUNK);

/** A stream to a link's socket, or from a consumer, with blocking calls. Owns its descriptor. */
export class Connection {
  readonly fd: number;

  constructor(fd: number) {
    this.fd = fd;
  }

  /**
   * The next bytes, on loan until the next call on any connection; none at the end of the stream.
   * @throws GuestErrno ETIMEDOUT, ECONNRESET, EINTR
   */
  receive(deadline: number): Buffer {
    for (;;) {
      const bytes = this.receiveNow();
      if (bytes !== undefined) return bytes;
      this.#await(POLLIN, deadline);
    }
  }

  /** As `receive`; undefined when there is nothing yet. */
  receiveNow(): Buffer | undefined {
    const count = receive(this.fd, incoming, CHUNK);
    if (count >= 0) return incoming.bytes.subarray(0, count);
    if (count === EAGAIN || count === EINTR) return undefined;
    throw new GuestErrno("ECONNRESET");
  }

  /**
   * Send all bytes.
   * @param onIncoming called when the other side sends before it has taken them all, and tells
   *                   whether to go on; without it that makes no difference
   * @returns false when the other side takes no more, or `onIncoming` says so
   * @throws GuestErrno ETIMEDOUT, EINTR, and the errors of `onIncoming`
   */
  send(bytes: Uint8Array, deadline: number, onIncoming?: () => boolean): boolean {
    for (let done = 0; done < bytes.length;) {
      const part = Math.min(CHUNK, bytes.length - done);
      outgoing.bytes.set(bytes.subarray(done, done + part));
      let sent = 0;
      while (sent < part) {
        const count = send(this.fd, outgoing, sent, part - sent);
        if (count >= 0) sent += count;
        else if (count !== EAGAIN && count !== EINTR) return false;
        else if (!this.#awaitRoom(deadline, onIncoming)) return false;
      }
      done += part;
    }
    return true;
  }

  /** Send a few bytes if there is room for them. */
  sendNow(bytes: Uint8Array): void {
    outgoing.bytes.set(bytes);
    send(this.fd, outgoing, 0, bytes.length);
  }

  close(): void {
    closeSync(this.fd);
  }

  #awaitRoom(deadline: number, onIncoming?: () => boolean): boolean {
    const room = { fd: this.fd, events: POLLOUT };
    const bytes = { fd: this.fd, events: POLLIN };
    const ready = waitFor(onIncoming === undefined ? [room] : [room, bytes], deadline);
    if (ready.length === 0) throw new GuestErrno("ETIMEDOUT");
    return ready.includes(room) || onIncoming?.() === true;
  }

  #await(events: number, deadline: number): void {
    if (waitFor([{ fd: this.fd, events }], deadline).length > 0) return;
    throw new GuestErrno("ETIMEDOUT");
  }
}

/** Time on the clock of performance.now() after so many milliseconds. */
export function deadlineIn(milliseconds: number): number {
  return performance.now() + milliseconds;
}
