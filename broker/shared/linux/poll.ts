import { constants } from "node:os";
import { check, lastErrno, libc } from "./libc.ts";

export const POLLIN = 1;
export const POLLOUT = 4;
const { EINTR } = constants.errno;

const pollCall = libc.func("int poll(void *, unsigned long, int)") as (
  descriptors: Buffer,
  count: number,
  timeout: number,
) => number;

/** True when a descriptor is ready for `events` now, or has failed or hung up (poll(2)). */
export function isReady(fd: number, events: number): boolean {
  const descriptor = Buffer.alloc(8);
  descriptor.writeInt32LE(fd, 0);
  descriptor.writeInt16LE(events, 4);
  let ready = pollCall(descriptor, 1, 0);
  // A signal interrupted the call before it looked at the descriptor: ask again.
  while (ready === -1 && lastErrno() === EINTR) ready = pollCall(descriptor, 1, 0);
  return check(ready, "poll") > 0;
}
