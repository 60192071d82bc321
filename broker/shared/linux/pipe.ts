import { closeFd } from "./epoll.ts";
import { fcntl } from "./fcntl.ts";
import { check, libc } from "./libc.ts";

/** A pipe(7), which holds spliced bytes between two sockets. */
export interface Pipe {
  readonly read: number;
  readonly write: number;
}

const O_NONBLOCK = 0o4000;
const O_CLOEXEC = 0o2000000;
const F_SETPIPE_SZ = 1031;

const pipeCall = libc.func("int pipe2(void *, int)") as (fds: Int32Array, flags: number) => number;

/**
 * @param size bytes that it should hold; the kernel's 64 KiB where more is denied
 * @throws SystemCallError EMFILE, ENFILE
 */
export function makePipe(size: number): Pipe {
  const fds = new Int32Array(2);
  check(pipeCall(fds, O_NONBLOCK | O_CLOEXEC), "pipe2");
  const [read = -1, write = -1] = fds;
  // EPERM above /proc/sys/fs/pipe-max-size or pipe-user-pages-soft only makes the pipe slower.
  fcntl(write, F_SETPIPE_SZ, size);
  return { read, write };
}

export function closePipe({ read, write }: Pipe): void {
  closeFd(read);
  closeFd(write);
}
