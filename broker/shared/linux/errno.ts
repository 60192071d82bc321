import { constants } from "node:os";

// Some numbers have two names; the first is the usual one (EAGAIN before EWOULDBLOCK).
const NAMES = new Map(
  Object.entries(constants.errno)
    .reverse()
    .map(([name, value]) => [value, name]),
);

/** A failed system call, shaped like Node's own system errors. */
export class SystemCallError extends Error {
  override readonly name = "SystemCallError";
  readonly syscall: string;
  readonly errno: number;
  /** "EACCES", "EROFS", … */
  readonly code: string;

  constructor(syscall: string, errno: number, subject = "") {
    const code = NAMES.get(errno) ?? `errno ${errno}`;
    super(`${code}: ${syscall}${subject === "" ? "" : ` '${subject}'`}`);
    this.syscall = syscall;
    this.errno = errno;
    this.code = code;
  }
}
