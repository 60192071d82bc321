/** Results of host functions: errno of WASI preview 1, which is <errno.h> of wasi-libc. */
export const ERRNO = {
  OK: 0,
  EACCES: 2,
  EAGAIN: 6,
  EBADF: 8,
  ECONNREFUSED: 14,
  ECONNRESET: 15,
  EFAULT: 21,
  EINTR: 27,
  EINVAL: 28,
  EIO: 29,
  EMFILE: 33,
  EMSGSIZE: 35,
  ENOBUFS: 42,
  ENOENT: 44,
  ENOMEM: 48,
  ENOSYS: 52,
  ENOTSUP: 58,
  EPERM: 63,
  EPIPE: 64,
  EPROTO: 65,
  ESPIPE: 70,
  ETIMEDOUT: 73,
} as const;

export type ErrnoName = keyof typeof ERRNO;

/** A host call that fails: the guest gets the number as the call's result. */
export class GuestErrno extends Error {
  override readonly name = "GuestErrno";
  readonly errno: number;

  constructor(errno: ErrnoName) {
    super(errno);
    this.errno = ERRNO[errno];
  }
}

export function isTimeout(error: unknown): boolean {
  return error instanceof GuestErrno && error.errno === ERRNO.ETIMEDOUT;
}

/** The end of a container, with the reason that pantavisor tells. */
export class GuestFailure extends Error {
  override readonly name = "GuestFailure";
}
