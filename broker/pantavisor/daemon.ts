import type { DaemonBody } from "../shared/formats/control.ts";

/** A process that pantavisor keeps running beside the containers (docs/pantavisor.md §3.5). */
export interface Daemon {
  readonly name: string;
  body(): DaemonBody;
  /** Run it for the first time. */
  begin(): void;
  /** Enable respawn and run it. */
  start(): void;
  /** Disable respawn and end it. */
  stop(): void;
  /** Tell it that what it watches has changed (SIGHUP). */
  notify(): void;
  /** Resolves when it has been stopped and is gone. */
  shutDown(): Promise<void>;
}

/** A daemon that this init mode knows but does not run. */
export function disabledDaemon(name: string): Daemon {
  return {
    name,
    body: () => ({ name, pid: 0, respawn: true }),
    begin: () => undefined,
    start: () => undefined,
    stop: () => undefined,
    notify: () => undefined,
    shutDown: () => Promise.resolve(),
  };
}
