import { writeSync } from "node:fs";
import { GUEST_CHANNEL } from "../shared/formats/wasm-guest.ts";
import type { GuestReport } from "../shared/formats/wasm-guest.ts";
import { POLLIN } from "../shared/linux/poll.ts";
import { waitReady } from "../shared/linux/wait-ready.ts";
import type { Wanted } from "../shared/linux/wait-ready.ts";
import { GuestErrno } from "./guest-errno.ts";

/** Characters of a reason that are told. */
const MAX_REASON = 1000;
const END: Wanted = { fd: GUEST_CHANNEL, events: POLLIN };

/** Tell pantavisor, as the lines that wasm-guest.ts describes. */
export function report(what: GuestReport): void {
  const rest =
    what.type === "exit"
      ? ` ${what.code}`
      : what.type === "failed"
        ? ` ${what.reason.replace(/\s+/g, " ").slice(0, MAX_REASON)}`
        : "";
  try {
    writeSync(GUEST_CHANNEL, `${what.type}${rest}\n`);
  } catch {
    // Pantavisor has gone, and will end what it left when it comes back.
  }
}

/**
 * Wait until a descriptor is ready.
 * @param deadline on the clock of performance.now()
 * @returns those that are ready; none when the time is over
 * @throws GuestErrno EINTR once the guest was asked to stop
 */
export function waitFor<T extends Wanted>(wanted: readonly T[], deadline: number): readonly T[] {
  for (;;) {
    const left = Math.max(0, deadline - performance.now());
    const ready = waitReady<Wanted>([END, ...wanted], Math.min(left, LONGEST_WAIT));
    if (ready.includes(END)) throw new GuestErrno("EINTR");
    if (ready.length > 0) return wanted.filter((one) => ready.includes(one));
    if (performance.now() >= deadline) return [];
  }
}

/** poll(2) takes milliseconds as an int. */
const LONGEST_WAIT = 2 ** 30;
