import { closeSync, readFileSync } from "node:fs";
import type { Socket } from "node:net";
import { libc } from "./libc.ts";

/**
 * The process that connected to our unix socket: SO_PEERCRED gives the pid at connect time,
 * SO_PEERPIDFD (Linux ≥ 6.5) a handle that a recycled pid cannot take over.
 */
const SOL_SOCKET = 1;
const SO_PEERCRED = 17;
const SO_PEERPIDFD = 77;

const getsockopt = libc.func(
  "int getsockopt(int fd, int level, int option, void *value, void *length)",
);

export interface PeerProcess extends Disposable {
  /** Its pid in our pid namespace; 0 when it lives outside. */
  readonly pid: number;
  /** False once the process is known to have gone; always true on kernels without pidfds. */
  isAlive(): boolean;
}

/** @returns undefined when the socket is already closed */
export function peerProcess(socket: Socket): PeerProcess | undefined {
  const fd = (socket as unknown as { _handle?: { fd?: number } })._handle?.fd;
  if (fd === undefined || fd < 0) return undefined;
  const pid = socketOption(fd, SO_PEERCRED, 12)?.readInt32LE(0);
  if (pid === undefined) return undefined;
  const pidfd = socketOption(fd, SO_PEERPIDFD, 4)?.readInt32LE(0);
  return {
    pid,
    isAlive: () => pidfd === undefined || pidOf(pidfd) === pid,
    [Symbol.dispose]() {
      if (pidfd !== undefined) closeSync(pidfd);
    },
  };
}

function socketOption(fd: number, option: number, size: number): Buffer | undefined {
  const value = Buffer.alloc(size);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(size);
  const result = getsockopt(fd, SOL_SOCKET, option, value, length) as number;
  return result === -1 ? undefined : value;
}

/** The `Pid:` line of a pidfd's fdinfo is -1 once the process is gone (pidfd_open(2)). */
function pidOf(pidfd: number): number {
  return Number(/^Pid:\s*(-?\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${pidfd}`, "utf8"))?.[1]);
}
