import { GuestErrno } from "../guest-errno.ts";
import {
  hostFunction,
  ignored,
  memory,
  number,
  record,
  refuseUnwritable,
  words,
} from "../host-function.ts";
import type { HostFunction, HostModule } from "../host-function.ts";
import { clocks } from "./clocks.ts";
import type { Console } from "./console.ts";
import { vectorsOf } from "./io-vectors.ts";
import { pollOneoff } from "./poll-oneoff.ts";
import { refusedCalls } from "./refused-calls.ts";
import { stringList } from "./string-list.ts";

export const WASI_MODULE = "wasi_snapshot_preview1";

export interface WasiOptions {
  /** The program's name first. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly console: Console;
  /** Ends the process: no frame of the guest could catch it. */
  readonly exit: (code: number) => never;
  readonly random: (length: number) => Uint8Array;
  /** Wait these milliseconds; ends the process when the guest is asked to stop. */
  readonly sleep: (milliseconds: number) => void;
}

/** Bytes of one read or write; a caller goes on with the rest. */
const MOST = 1024 * 1024;
/** A character device that can be read or written, as a terminal or a log is (fdstat, 24 bytes). */
const CHARACTER_DEVICE = 2;
const RIGHT_READ = 1 << 1;
const RIGHT_WRITE = 1 << 6;

/**
 * WASI preview 1 for a guest without file system: what a C library needs to start, print, sleep,
 * tell the time and exit. Each other call is there, so that every module links, and answers ENOSYS
 * or, for a descriptor, EBADF.
 */
export function preview1(options: WasiOptions): HostModule {
  const { console, exit, random } = options;
  const env = Object.entries(options.env).map(([key, value]) => `${key}=${value}`);
  return {
    ...refusedCalls(),
    ...stringList("args", options.args),
    ...stringList("environ", env),
    ...clocks(),
    fd_write: hostFunction(
      [memory, number, number, number, words(1)],
      (all, fd, at, count, out) => {
        if (!isOutput(fd)) throw new GuestErrno("EBADF");
        let left = MOST;
        for (const { from, length } of vectorsOf(all, at, count)) {
          const part = Math.min(length, left);
          console.write(fd, all.read(from, part));
          left -= part;
        }
        out(MOST - left);
      },
    ),
    fd_read: hostFunction([memory, number, number, number, words(1)], (all, fd, at, count, out) => {
      if (fd !== 0) throw new GuestErrno("EBADF");
      vectorsOf(all, at, count);
      out(0);
    }),
    fd_fdstat_get: hostFunction([number, record(24)], (fd, write) => {
      refuseUnlessStandard(fd);
      const stat = Buffer.alloc(24);
      stat.writeUInt8(CHARACTER_DEVICE, 0);
      stat.writeUInt32LE(isOutput(fd) ? RIGHT_WRITE : RIGHT_READ, 8);
      write(stat);
    }),
    fd_seek: hostFunction([number, ignored, number, record(8)], (fd) => {
      refuseUnlessStandard(fd);
      throw new GuestErrno("ESPIPE");
    }),
    fd_close: hostFunction([number], refuseUnlessStandard),
    random_get: hostFunction([memory, number, number], (all, to, length) => {
      refuseUnwritable(all, to, length);
      for (let done = 0; done < length; done += MOST) {
        all.write(to + done, random(Math.min(MOST, length - done)));
      }
    }),
    poll_oneoff: pollOneoff(options.sleep),
    sched_yield: hostFunction([], () => undefined),
    proc_exit: procExit(exit),
  };
}

/** Unlike the others it returns nothing: a module imports it as (i32) -> (). */
function procExit(exit: (code: number) => never): HostFunction {
  const { parameters, call } = hostFunction([number], (code) => exit(code));
  return { parameters, results: [], call };
}

function isOutput(fd: number): fd is 1 | 2 {
  return fd === 1 || fd === 2;
}

function refuseUnlessStandard(fd: number): void {
  if (fd > 2) throw new GuestErrno("EBADF");
}
