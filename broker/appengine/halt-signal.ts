/**
 * Signals that ask a container's init to end, the first it handles is used
 * (docs/pantavisor.md §4.1).
 */
const HALT_SIGNALS = [
  ["SIGPWR", 30],
  ["SIGTERM", 15],
] as const;

export type HaltSignal = (typeof HALT_SIGNALS)[number][0];

/**
 * An init receives only signals it has a handler for (pid_namespaces(7)), so the signal is
 * chosen by what it catches.
 * @param status text of /proc/PID/status
 * @returns undefined when it handles none of them (yet)
 */
export function haltSignal(status: string): HaltSignal | undefined {
  const mask = /^SigCgt:\s*([0-9a-f]+)$/m.exec(status)?.[1];
  if (mask === undefined) return undefined;
  const caught = BigInt(`0x${mask}`);
  return HALT_SIGNALS.find(([, number]) => (caught >> BigInt(number - 1)) & 1n)?.[0];
}
