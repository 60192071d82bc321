import { EPOLLIN, closeFd } from "../../shared/linux/epoll.ts";
import { placeOf } from "../../shared/linux/statx.ts";
import { streamLoop } from "../../shared/linux/stream-loop.ts";

/**
 * The root directory of a process, held open from one use to the next. Opening it with all checks
 * takes seven system calls, and a connection needs it three times.
 *
 * Each use checks with one look at `/proc/PID/root` that it is still the process's root. The pid
 * may be another process's by then, but only the answer "same directory on the same mount" is used,
 * and then the held directory, which the pinned process had, is the right one. After any other
 * answer `open`, which checks the pinned process, opens it anew.
 *
 * The directory is closed when the process ends, used or not: a file system that is held open
 * cannot be unmounted, nor its loop device be detached.
 */
export class HeldRoot {
  readonly #pid: number;
  readonly #pidfd: number;
  readonly #open: () => number;
  #held: { readonly fd: number; readonly place: string } | undefined;
  #token: number | undefined;

  /**
   * @param pidfd stays the caller's, and open until `release`
   * @param open opens the directory, which this then owns
   */
  constructor(pid: number, pidfd: number, open: () => number) {
    this.#pid = pid;
    this.#pidfd = pidfd;
    this.#open = open;
  }

  /**
   * @returns an O_PATH fd on loan: it may be closed as soon as anything else happens
   * @throws the errors of `open`
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
    // Without a place the next use cannot compare, and opens the directory anew.
    this.#held = { fd, place: placeOf(fd) ?? "" };
    return fd;
  }
}
