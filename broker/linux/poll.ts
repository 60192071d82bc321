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

/** Whether a descriptor is ready for what is asked, or has failed or hung up (poll(2)), now. */
export function isReady(fd: number, events: number): boolean {
  const descriptor = Buffer.alloc(8);
  descriptor.writeInt32LE(fd, 0);
  descriptor.writeInt16LE(events, 4);
  let ready = pollCall(descriptor, 1, 0);
  // A signal does not make it wait: it has not been asked yet.
  while (ready === -1 && lastErrno() === EINTR) ready = pollCall(descriptor, 1, 0);
  return check(ready, "poll") > 0;
}
