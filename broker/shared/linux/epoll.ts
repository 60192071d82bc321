import koffi from "koffi";
import { constants } from "node:os";
import { check, lastErrno, libc } from "./libc.ts";
import { Scratch } from "./stream-io.ts";
import { systemCallNumbers } from "./system-call-numbers.ts";

/** epoll(7), for a thread that waits for many descriptors. */
export const EPOLLIN = 0x001;
export const EPOLLPRI = 0x002;
export const EPOLLOUT = 0x004;
export const EPOLLERR = 0x008;
export const EPOLLHUP = 0x010;
export const EPOLLRDHUP = 0x2000;
/**
 * Edge-triggered: each change is reported once. A negative number, since JavaScript's bit operators
 * work on signed 32-bit numbers.
 */
export const EPOLLET = 1 << 31;

const EPOLL_CLOEXEC = 0o2000000;
const CTL_ADD = 1;
const CTL_DEL = 2;
const CTL_MOD = 3;
const BATCH = 256;
/** Longest wait of `waitBriefly`, in nanoseconds. */
const BRIEF_WAIT = 200_000n;
const { EINTR, ENOSYS } = constants.errno;

/**
 * struct epoll_event { u32 events; u64 data; } in units of 4 bytes: packed on x86-64 alone
 * (<sys/epoll.h>, __EPOLL_PACKED).
 */
const LAYOUT = process.arch === "x64" ? { size: 3, data: 1 } : { size: 4, data: 2 };

const createCall = libc.func("int epoll_create1(int)") as (flags: number) => number;
// Addresses as plain numbers: see stream-io.ts.
const controlCall = libc.func("int epoll_ctl(int, int, int, uintptr_t)") as (
  epoll: number,
  operation: number,
  fd: number,
  event: number,
) => number;
const waitCall = libc.func("int epoll_wait(int, uintptr_t, int, int)") as (
  epoll: number,
  events: number,
  count: number,
  timeout: number,
) => number;
const waitPreciselyCall = libc.func("syscall", "long", [
  ...["long", "long", "uintptr_t", "long", "uintptr_t", "uintptr_t", "size_t"],
]) as (
  number: number,
  epoll: number,
  events: number,
  count: number,
  timeout: number,
  signals: number,
  signalsSize: number,
) => number;
/** struct timespec */
const briefTimeout = new Scratch(16);
briefTimeout.bytes.writeBigInt64LE(0n, 0);
briefTimeout.bytes.writeBigInt64LE(BRIEF_WAIT, 8);

/**
 * An epoll instance. Each descriptor is registered with two numbers of the caller's, which come
 * back with its events: `slot` tells the caller's object, `use` tells a reused slot from its
 * earlier use.
 */
export class Epoll implements Disposable {
  readonly #fd = check(createCall(EPOLL_CLOEXEC), "epoll_create1");
  readonly #events = new Int32Array(new ArrayBuffer(4 * BATCH * LAYOUT.size));
  readonly #address = Number(koffi.address(this.#events));
  readonly #event = new Int32Array(new ArrayBuffer(4 * LAYOUT.size));
  readonly #eventAddress = Number(koffi.address(this.#event));

  /** The instance's own fd, readable while there are events: it can be watched like any other. */
  get fd(): number {
    return this.#fd;
  }

  /** @throws SystemCallError ENOSPC, ENOMEM, … */
  add(fd: number, events: number, slot: number, use: number): void {
    this.#control(CTL_ADD, fd, events, slot, use);
  }

  /** With EPOLLET this also reports again what is ready now. */
  modify(fd: number, events: number, slot: number, use: number): void {
    this.#control(CTL_MOD, fd, events, slot, use);
  }

  /** Needed only for a descriptor that stays open: close(2) removes it too. */
  remove(fd: number): void {
    check(controlCall(this.#fd, CTL_DEL, fd, 0), "epoll_ctl");
  }

  /**
   * @param timeout milliseconds, -1 for ever
   * @returns how many events there are, to be read by index until the next wait
   */
  wait(timeout: number): number {
    const count = waitCall(this.#fd, this.#address, BATCH, timeout);
    if (count !== -1) return count;
    return lastErrno() === EINTR ? 0 : check(count, "epoll_wait");
  }

  /** As `wait`, for 0.2 ms at most; before Linux 5.11 (no epoll_pwait2) it does not wait at all. */
  waitBriefly(): number {
    const number = systemCallNumbers().epollPwait2;
    const count = waitPreciselyCall(
      number,
      this.#fd,
      this.#address,
      BATCH,
      briefTimeout.address,
      0,
      0,
    );
    if (count !== -1) return count;
    return [EINTR, ENOSYS].includes(lastErrno()) ? 0 : check(count, "epoll_pwait2");
  }

  eventsAt(index: number): number {
    return this.#events[index * LAYOUT.size] ?? 0;
  }

  slotAt(index: number): number {
    return this.#events[index * LAYOUT.size + LAYOUT.data] ?? 0;
  }

  useAt(index: number): number {
    return this.#events[index * LAYOUT.size + LAYOUT.data + 1] ?? 0;
  }

  [Symbol.dispose](): void {
    closeFd(this.#fd);
  }

  #control(operation: number, fd: number, events: number, slot: number, use: number): void {
    const event = this.#event;
    event[0] = events;
    event[LAYOUT.data] = slot;
    event[LAYOUT.data + 1] = use;
    check(controlCall(this.#fd, operation, fd, this.#eventAddress), "epoll_ctl");
  }
}

/** close(2) at half the cost of node:fs; an fd that is not open is passed over. */
export const closeFd = libc.func("int close(int)") as (fd: number) => number;
