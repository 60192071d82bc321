import { check, libc } from "./libc.ts";

/** eventfd(2): one thread wakes another that waits in epoll. */
const EFD_NONBLOCK = 0o4000;
const EFD_CLOEXEC = 0o2000000;

const eventfdCall = libc.func("int eventfd(unsigned int, int)") as (
  initial: number,
  flags: number,
) => number;
const writeCall = libc.func("int64_t write(int, void *, size_t)") as Transfer;
const readCall = libc.func("int64_t read(int, void *, size_t)") as Transfer;

type Transfer = (fd: number, bytes: Buffer, count: number) => number;

/** @returns a non-blocking fd that the caller owns */
export function createEventFd(): number {
  return check(eventfdCall(0, EFD_NONBLOCK | EFD_CLOEXEC), "eventfd");
}

export function signalEventFd(fd: number): void {
  const one = Buffer.alloc(8);
  one.writeBigUInt64LE(1n);
  check(writeCall(fd, one, one.length), "write");
}

/** Reset the counter, so that the fd is not readable any more. */
export function clearEventFd(fd: number): void {
  // EAGAIN is fine: the counter was 0 already.
  readCall(fd, Buffer.alloc(8), 8);
}
