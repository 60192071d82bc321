import { EPOLLIN, closeFd } from "../linux/epoll.ts";
import { placeOf } from "../linux/statx.ts";
import { streamLoop } from "../linux/stream-loop.ts";

/**
 * The root directory of a process, held open from one use to the next: to open it anew, with all
 * that has to be looked at, is seven system calls, and a connection needs it three times.
 *
 * At each use one look at `/proc/PID/root` tells whether it is still the process's root. That
 * goes by the number, but only its answer "the same directory, on the same mount" is believed,
 * and what is used then is the directory that the pinned process had: another process that got
 * the number, or a process that has ended, makes it be opened anew by who pinned it.
 *
 * It is let go when the process ends, whoever uses it or not: a file system that is held open
 * cannot be unmounted, nor its loop device be taken away.
 */
export class HeldRoot {
  readonly #pid: number;
  readonly #pidfd: number;
  readonly #open: () => number;
  #held: { readonly fd: number; readonly place: string } | undefined;
  #token: number | undefined;

  /**
   * @param pidfd stays the caller's, and open until `release`
   * @param open the directory, to be owned from then on
   */
  constructor(pid: number, pidfd: number, open: () => number) {
    this.#pid = pid;
    this.#pidfd = pidfd;
    this.#open = open;
  }

  /**
   * @returns an O_PATH fd on loan: it may be closed as soon as anything else happens
   * @throws what `open` does
   */
  lend(): number {
    const held = this.#held;
    if (held !== undefined && placeOf(`/proc/${this.#pid}/root`) === held.place) return held.fd;
    this.release();
    return this.#hold(this.#open());
  }

  release(): void {
    if (this.#token !== undefined) streamLoop().remove(this.#pidfd, this.#token);
    this.#token = undefined;
    if (this.#held !== undefined) closeFd(this.#held.fd);
    this.#held = undefined;
  }

  #hold(fd: number): number {
    try {
      this.#token = streamLoop().add(this.#pidfd, EPOLLIN, () => this.release());
    } catch (error) {
      closeFd(fd);
      throw error;
    }
    // What cannot be told apart is not taken for the same.
    this.#held = { fd, place: placeOf(fd) ?? "" };
    return fd;
  }
}
