import { GuestErrno } from "./guest-errno.ts";

/** Things of one host module that a guest may hold at a time. */
const MAX_HANDLES = 64;

/** Table of things that the guest names by small numbers, from 1 on. */
export class Handles<T> {
  readonly #all = new Map<number, T>();

  /** @throws GuestErrno EMFILE: check it before anything is done for the guest */
  refuseWhenFull(): void {
    if (this.#all.size >= MAX_HANDLES) throw new GuestErrno("EMFILE");
  }

  /** The lowest number that is free. */
  add(thing: T): number {
    this.refuseWhenFull();
    let handle = 1;
    while (this.#all.has(handle)) handle += 1;
    this.#all.set(handle, thing);
    return handle;
  }

  /** @throws GuestErrno EBADF */
  get(handle: number): T {
    const thing = this.#all.get(handle);
    if (thing === undefined) throw new GuestErrno("EBADF");
    return thing;
  }

  /** @throws GuestErrno EBADF */
  remove(handle: number): T {
    const thing = this.get(handle);
    this.#all.delete(handle);
    return thing;
  }
}
