import { closeSync, readFileSync } from "node:fs";
import type { Socket } from "node:net";
import { constants } from "node:os";
import { SystemCallError } from "./errno.ts";
import { lastErrno, libc } from "./libc.ts";

/**
 * The process that connected to our unix socket: SO_PEERCRED gives the pid at connect time,
 * SO_PEERPIDFD (Linux ≥ 6.5) a handle that a recycled pid cannot take over.
 */
const SOL_SOCKET = 1;
const SO_PEERCRED = 17;
const SO_PEERPIDFD = 77;
const { ENOPROTOOPT } = constants.errno;

const getsockopt = libc.func(
  "int getsockopt(int fd, int level, int option, void *value, void *length)",
);

export interface PeerProcess extends Disposable {
  /** Its pid in our pid namespace; 0 when it lives outside. */
  readonly pid: number;
  /** False once the process is known to have gone; always true on kernels without pidfds. */
  isAlive(): boolean;
}

/**
 * @returns undefined when nothing sure can be said: the socket is closed, the process was reaped
 *          before we looked, no descriptor is free
 */
export function peerProcess(socket: Socket): PeerProcess | undefined {
  const fd = (socket as unknown as { _handle?: { fd?: number } })._handle?.fd;
  if (fd === undefined || fd < 0) return undefined;
  try {
    const pid = socketOption(fd, SO_PEERCRED, 12).readInt32LE(0);
    const pidfd = peerPidfd(fd);
    return {
      pid,
      isAlive: () => pidfd === undefined || pidOf(pidfd) === pid,
      [Symbol.dispose]() {
        if (pidfd !== undefined) closeSync(pidfd);
      },
    };
  } catch (error) {
    if (error instanceof SystemCallError) return undefined;
    throw error;
  }
}

/** @returns undefined on kernels that have no such option */
function peerPidfd(fd: number): number | undefined {
  try {
    return socketOption(fd, SO_PEERPIDFD, 4).readInt32LE(0);
  } catch (error) {
    if (error instanceof SystemCallError && error.errno === ENOPROTOOPT) return undefined;
    throw error;
  }
}

/** @throws SystemCallError */
function socketOption(fd: number, option: number, size: number): Buffer {
  const value = Buffer.alloc(size);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(size);
  const result = getsockopt(fd, SOL_SOCKET, option, value, length) as number;
  if (result === -1) throw new SystemCallError("getsockopt", lastErrno(), `option ${option}`);
  return value;
}

/**
 * The `Pid:` line of a pidfd's fdinfo is -1 once the process is gone (pidfd_open(2)).
 * @returns NaN when it cannot be read: no descriptor is free
 */
function pidOf(pidfd: number): number {
  try {
    const info = readFileSync(`/proc/self/fdinfo/${pidfd}`, "utf8");
    return Number(/^Pid:\s*(-?\d+)$/m.exec(info)?.[1]);
  } catch {
    return Number.NaN;
  }
}
