import { readFileSync } from "node:fs";
import { constants } from "node:os";

/**
 * Whether a process has a handler for a signal (`SigCgt` in /proc/PID/status, proc_pid_status(5)):
 * the kernel's word that it listens, good from the moment at which the handler is installed.
 * @returns false for a process that has gone
 */
export function catches(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return isCaught(readFileSync(`/proc/${pid}/status`, "latin1"), signal);
  } catch {
    return false;
  }
}

/** @param status text of /proc/PID/status */
export function isCaught(status: string, signal: NodeJS.Signals): boolean {
  const mask = /^SigCgt:\s*([0-9a-f]+)$/m.exec(status)?.[1];
  if (mask === undefined) return false;
  return ((BigInt(`0x${mask}`) >> BigInt(constants.signals[signal] - 1)) & 1n) === 1n;
}
