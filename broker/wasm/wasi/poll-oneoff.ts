import { ERRNO, GuestErrno } from "../guest-errno.ts";
import { isInside } from "../guest-memory.ts";
import { hostFunction, memory, number, refuseUnwritable, words } from "../host-function.ts";
import type { HostFunction } from "../host-function.ts";
import { timeOf } from "./clocks.ts";

/** Records of preview 1: what is waited for, and what has happened. */
const SUBSCRIPTION = 48;
const EVENT = 32;
const MAX_SUBSCRIPTIONS = 64;
const CLOCK = 0;
const FD_WRITE = 2;
const ABSOLUTE = 1;
const MILLISECOND = 1_000_000;

interface Subscription {
  readonly userdata: bigint;
  readonly type: number;
  /** Milliseconds until it happens; 0 for a descriptor, which never blocks here. */
  readonly wait: number;
  readonly errno: number;
}

/** Waits for times; output and the end of input are there at any time. */
export function pollOneoff(sleep: (milliseconds: number) => void): HostFunction {
  return hostFunction([memory, number, number, number, words(1)], (all, from, to, count, out) => {
    if (count === 0 || count > MAX_SUBSCRIPTIONS) throw new GuestErrno("EINVAL");
    if (!isInside(all, from, count * SUBSCRIPTION)) throw new GuestErrno("EFAULT");
    refuseUnwritable(all, to, count * EVENT);
    const table = Buffer.from(all.read(from, count * SUBSCRIPTION));
    const wanted = Array.from({ length: count }, (_, index) =>
      subscriptionOf(table.subarray(index * SUBSCRIPTION, (index + 1) * SUBSCRIPTION)),
    );
    const wait = Math.min(...wanted.map((one) => one.wait));
    if (wait > 0) sleep(wait);
    const events = wanted.filter((one) => one.wait <= wait).map(eventOf);
    all.write(to, Buffer.concat(events));
    out(events.length);
  });
}

function subscriptionOf(bytes: Buffer): Subscription {
  const userdata = bytes.readBigUInt64LE(0);
  const type = bytes.readUInt8(8);
  if (type > FD_WRITE) throw new GuestErrno("EINVAL");
  if (type !== CLOCK) {
    const isStandard = bytes.readUInt32LE(16) <= 2;
    return { userdata, type, wait: 0, errno: isStandard ? ERRNO.OK : ERRNO.EBADF };
  }
  const now = timeOf(bytes.readUInt32LE(16));
  const timeout = bytes.readBigUInt64LE(24);
  const isAbsolute = (bytes.readUInt16LE(40) & ABSOLUTE) !== 0;
  const left = isAbsolute ? timeout - now : timeout;
  return { userdata, type, wait: Math.max(0, Number(left) / MILLISECOND), errno: ERRNO.OK };
}

function eventOf({ userdata, type, errno }: Subscription): Buffer {
  const event = Buffer.alloc(EVENT);
  event.writeBigUInt64LE(userdata, 0);
  event.writeUInt16LE(errno, 8);
  event.writeUInt8(type, 10);
  return event;
}
