import type { Daemon } from "./daemon-runner.ts";

/** The daemon with the first pid that it ever had, whatever runs now. */
export function namedByFirstPid(daemon: Daemon): Daemon {
  let first = daemon.body().pid;
  return {
    name: daemon.name,
    body() {
      const body = daemon.body();
      if (first < 0) first = body.pid;
      return { ...body, pid: first };
    },
    start: () => daemon.start(),
    stop: () => daemon.stop(),
    notify: () => daemon.notify(),
    shutDown: () => daemon.shutDown(),
  };
}
