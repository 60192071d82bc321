import { isCaught } from "../../shared/linux/caught-signals.ts";

/** Signals that ask an init to end; the first one handled is used (docs/pantavisor.md §4.1). */
const HALT_SIGNALS = ["SIGPWR", "SIGTERM"] as const;

export type HaltSignal = (typeof HALT_SIGNALS)[number];

/**
 * An init receives only signals it has a handler for (pid_namespaces(7)), so the signal is
 * chosen by what it catches.
 * @param status text of /proc/PID/status
 * @returns undefined when it handles none of them (yet)
 */
export function haltSignal(status: string): HaltSignal | undefined {
  return HALT_SIGNALS.find((signal) => isCaught(status, signal));
}
