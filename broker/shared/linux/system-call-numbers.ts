/**
 * Numbers of system calls that glibc does not wrap, or wraps with another meaning (its setgroups
 * and setres*id change every thread), from the kernel's syscall tables. Those above 423 are the
 * same on all architectures.
 */
export interface SystemCallNumbers {
  readonly setgroups: number;
  readonly setresuid: number;
  readonly setresgid: number;
  readonly pidfdOpen: number;
  readonly pidfdSendSignal: number;
  readonly openat2: number;
  readonly epollPwait2: number;
}

const common = { pidfdSendSignal: 424, pidfdOpen: 434, openat2: 437, epollPwait2: 441 };

const BY_ARCHITECTURE: Readonly<Record<string, SystemCallNumbers>> = {
  x64: { ...common, setgroups: 116, setresuid: 117, setresgid: 119 },
  arm64: { ...common, setgroups: 159, setresuid: 147, setresgid: 149 },
};

/** @throws Error on an architecture without a table */
export function systemCallNumbers(architecture: string = process.arch): SystemCallNumbers {
  const numbers = BY_ARCHITECTURE[architecture];
  if (numbers === undefined) throw new Error(`no system call table for ${architecture}`);
  return numbers;
}
