import { closeSync, fstatSync } from "node:fs";
import type { GuestService } from "../../shared/formats/wasm-guest.ts";
import { receiveWithFds } from "../../shared/linux/descriptor-io.ts";
import { fdKind } from "../../shared/linux/fd-kind.ts";
import { POLLIN } from "../../shared/linux/poll.ts";
import { EAGAIN, Scratch, receive } from "../../shared/linux/stream-io.ts";
import { waitFor } from "../channel.ts";
import { deadlineIn } from "../connection.ts";
import { GuestErrno } from "../guest-errno.ts";
import { dial } from "../services.ts";

/** Milliseconds for a link and for the provider's memfd, as long as the broker waits for one. */
const PATIENCE = 5_000;
const MESSAGE = new Scratch(4096);

/** Memory of a provider: the memfd that came with its first message, and the link it came over. */
export class SharedFile {
  readonly fd: number;
  /** Open as long as the memory is used, so that the provider knows of it. */
  readonly #link: number;

  private constructor(fd: number, link: number) {
    this.fd = fd;
    this.#link = link;
  }

  /**
   * Ask a provider for its memory.
   * @throws GuestErrno EPROTO when it sends anything but one memfd, ETIMEDOUT, ECONNRESET, …
   */
  static open(service: GuestService): SharedFile {
    const deadline = deadlineIn(PATIENCE);
    const link = dial(service, deadline);
    try {
      return new SharedFile(receiveMemfd(link, deadline), link);
    } catch (error) {
      closeSync(link);
      throw error;
    }
  }

  /** False once the provider, or the link, has gone: another open may find other memory. */
  get isLinked(): boolean {
    const count = receive(this.#link, MESSAGE, MESSAGE.bytes.length);
    return count > 0 || count === EAGAIN;
  }

  get size(): number {
    return fstatSync(this.fd).size;
  }

  close(): void {
    closeSync(this.fd);
    closeSync(this.#link);
  }
}

function receiveMemfd(link: number, deadline: number): number {
  for (;;) {
    const { count, fds } = receiveWithFds(link, MESSAGE, MESSAGE.bytes.length);
    const [fd, ...more] = fds;
    if (fd !== undefined && more.length === 0 && fdKind(fd).type === "memfd") return fd;
    for (const one of fds) closeSync(one);
    if (fd !== undefined) throw new GuestErrno("EPROTO");
    if (count === 0 || (count < 0 && count !== EAGAIN)) throw new GuestErrno("ECONNRESET");
    // Bytes without a descriptor: it may come behind them.
    if (count < 0 && waitFor([{ fd: link, events: POLLIN }], deadline).length === 0) {
      throw new GuestErrno("ETIMEDOUT");
    }
  }
}
