import { GuestErrno } from "../guest-errno.ts";
import { hostFunction, ignored, number, record } from "../host-function.ts";
import type { HostModule } from "../host-function.ts";

const REALTIME = 0;
const MONOTONIC = 1;
const MILLISECOND = 1_000_000n;
/** Nanoseconds that both clocks are exact to. */
const RESOLUTION = 1_000n;

/** @returns nanoseconds; @throws GuestErrno EINVAL for a clock that there is not */
export function timeOf(clock: number): bigint {
  if (clock === REALTIME) return BigInt(Date.now()) * MILLISECOND;
  if (clock === MONOTONIC) return process.hrtime.bigint();
  throw new GuestErrno("EINVAL");
}

export function clocks(): HostModule {
  return {
    clock_res_get: hostFunction([number, record(8)], (clock, write) => {
      timeOf(clock);
      write(u64(RESOLUTION));
    }),
    clock_time_get: hostFunction([number, ignored, record(8)], (clock, _precision, write) =>
      write(u64(timeOf(clock))),
    ),
  };
}

function u64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(value);
  return bytes;
}
