import { lastErrno, libc } from "./libc.ts";
import { EINTR, Scratch } from "./stream-io.ts";

/** poll(2) that blocks this thread: for a program whose only thread waits for its guest. */
const pollCall = libc.func("int poll(uintptr_t, unsigned long, int)") as (
  descriptors: number,
  count: number,
  milliseconds: number,
) => number;

const ENTRY = 8;
/** Descriptors of one wait. */
const MAX_DESCRIPTORS = 128;
const table = new Scratch(MAX_DESCRIPTORS * ENTRY);

/** A descriptor and the events (POLLIN, POLLOUT) that it is waited for. */
export interface Wanted {
  readonly fd: number;
  readonly events: number;
}

/**
 * Wait until one of at most 128 descriptors is ready, or has failed or hung up.
 * @param milliseconds 0 looks and does not wait
 * @returns those that are ready; none when the time is over or a signal came
 */
export function waitReady<T extends Wanted>(wanted: readonly T[], milliseconds: number): T[] {
  wanted.forEach(({ fd, events }, index) => {
    table.bytes.writeInt32LE(fd, index * ENTRY);
    table.bytes.writeInt32LE(events, index * ENTRY + 4);
  });
  const ready = pollCall(table.address, wanted.length, Math.ceil(milliseconds));
  if (ready === -1 && -lastErrno() !== EINTR) throw new Error(`poll: errno ${lastErrno()}`);
  if (ready <= 0) return [];
  return wanted.filter((_, index) => table.bytes.readInt16LE(index * ENTRY + 6) !== 0);
}
