import type { Daemon } from "./daemon.ts";

/** The daemon with the first pid that it ever had, whatever runs now. */
export function namedByFirstPid(daemon: Daemon): Daemon {
  let first = -1;
  return {
    name: daemon.name,
    body: () => ({ ...daemon.body(), pid: first }),
    begin() {
      daemon.begin();
      first = daemon.body().pid;
    },
    start: () => daemon.start(),
    stop: () => daemon.stop(),
    notify: () => daemon.notify(),
    shutDown: () => daemon.shutDown(),
  };
}
