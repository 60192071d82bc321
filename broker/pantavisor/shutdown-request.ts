import { existsSync } from "node:fs";
import { catches } from "../shared/linux/caught-signals.ts";

/**
 * The wish to end: aborted with the name of the first SIGTERM or SIGINT. To be called once, as
 * early as can be.
 *
 * Node has a handler of its own for both from the beginning of its start on. It uninstalls itself
 * and raises the signal again, which ends every process but PID 1. There the signal would be lost
 * (pid_namespaces(7)); what is left of it is that the handler has gone.
 */
export function shutdownRequest(): AbortSignal {
  const request = new AbortController();
  // The handlers of a process can only be read from /proc.
  const isPid1 = process.pid === 1 && existsSync("/proc/1/status");
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    if (isPid1 && !catches(process.pid, signal)) request.abort(signal);
    process.on(signal, () => request.abort(signal));
  }
  return request.signal;
}
