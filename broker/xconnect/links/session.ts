import { closeFd } from "../../shared/linux/epoll.ts";
import type { ConsumerConnection } from "../plugins/plugin.ts";

/** One connection of a consumer, from accept until its plugin has finished with it. */
export class Session implements ConsumerConnection, Disposable {
  #fd: number | undefined;
  /** Controller of `signal`, made when that is first read: few sessions need it. */
  #ending: AbortController | undefined;
  #why: Error | undefined;
  #act: ((why: Error) => void) | undefined;

  /** @param fd owned by the session until it is taken */
  constructor(fd: number) {
    this.#fd = fd;
  }

  get signal(): AbortSignal {
    if (this.#ending === undefined) {
      this.#ending = new AbortController();
      if (this.#why !== undefined) this.#ending.abort(this.#why);
    }
    return this.#ending.signal;
  }

  /** True when the link or the broker has gone away. */
  get hasEnded(): boolean {
    return this.#why !== undefined;
  }

  take(): number {
    const fd = this.#fd;
    if (fd === undefined) throw new Error("the connection has been taken");
    this.#fd = undefined;
    return fd;
  }

  onEnd(act: ((why: Error) => void) | undefined): void {
    this.#act = act;
    if (this.#why !== undefined) act?.(this.#why);
  }

  end(why: Error): void {
    if (this.#why !== undefined) return;
    this.#why = why;
    this.#ending?.abort(why);
    this.#act?.(why);
  }

  /** Close the connection if it was not taken. */
  [Symbol.dispose](): void {
    if (this.#fd !== undefined) closeFd(this.#fd);
    this.#fd = undefined;
  }
}
