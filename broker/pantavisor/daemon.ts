import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { DaemonBody } from "../shared/formats/control.ts";
import { catches } from "../shared/linux/caught-signals.ts";
import type { Clock, Timer } from "./lifecycle/clock.ts";
import { respawnAfter } from "./lifecycle/respawn.ts";
import type { Quirks } from "../shared/quirks/quirks.ts";
import type { PantavisorLog } from "./pantavisor-log.ts";

/** A process that pantavisor keeps running beside the containers (docs/pantavisor.md §3.5). */
export interface Daemon {
  readonly name: string;
  body(): DaemonBody;
  /** Enable respawn and run it. */
  start(): void;
  /** Disable respawn and end it. */
  stop(): void;
  /** Tell it that what it watches has changed (SIGHUP). */
  notify(): void;
  /** Resolves when it has been stopped and is gone. */
  shutDown(): Promise<void>;
}

export interface DaemonOptions {
  readonly name: string;
  readonly command: readonly [string, ...string[]];
  readonly log: PantavisorLog;
  readonly clock: Clock;
  readonly quirks: Quirks;
  readonly onSpawn?: (pid: number) => void;
}

/** Milliseconds that a daemon may take to end. */
const STOP_GRACE = 3000;
/** Milliseconds between two looks whether a daemon that starts has its handler by now. */
const LOOK_AGAIN = 50;

/** A daemon that this init mode knows but does not run. */
export function disabledDaemon(name: string): Daemon {
  return {
    name,
    body: () => ({ name, pid: 0, respawn: true }),
    start: () => undefined,
    stop: () => undefined,
    notify: () => undefined,
    shutDown: () => Promise.resolve(),
  };
}

/** Spawns it at once. */
export function runDaemon({ name, command, log, clock, quirks, onSpawn }: DaemonOptions): Daemon {
  let respawn = true;
  let child: ChildProcess | undefined;
  let firstPid: number | undefined;
  let waiting: Timer | undefined;
  let killing: Timer | undefined;
  let stopping = false;
  let crashes = 0;
  /** Timer of the next look whether the daemon has a handler for what it is to be told. */
  let looking: Timer | undefined;
  let gone: () => void = () => undefined;

  function launch(): void {
    waiting = undefined;
    const started = clock.now();
    log.write("INFO", "daemons", `(daemon_spawn:66) Spawning ${name} daemon.`);
    const [file, ...args] = command;
    const process = spawn(file, args, { stdio: ["ignore", "pipe", "pipe"] });
    child = process;
    firstPid ??= process.pid;
    if (process.pid !== undefined) onSpawn?.(process.pid);
    forward(process);
    process.once("error", ({ message }) => {
      log.write("ERROR", "daemons", `${name}: ${message}`);
      // With no free descriptor, spawn fails and no `close` follows this error.
      if (child === process && process.pid === undefined) ended(clock.now() - started, null);
    });
    process.once("close", (code, signal) => {
      if (child === process) ended(clock.now() - started, code ?? signal);
    });
  }

  function forward({ stdout, stderr }: Partial<ChildProcess>): void {
    if (!stdout || !stderr) return;
    createInterface({ input: stdout }).on("line", (line) => {
      log.write("INFO", `${name}-out`, line);
    });
    createInterface({ input: stderr }).on("line", (line) => {
      log.write("WARN", `${name}-err`, line);
    });
  }

  function ended(runMilliseconds: number, how: number | string | null): void {
    killing?.cancel();
    looking?.cancel();
    child = undefined;
    const requested = stopping;
    const level = requested ? "INFO" : "WARN";
    log.write(level, "daemons", `daemon ${name} ended (${how ?? "not started"})`);
    stopping = false;
    gone();
    if (!respawn || (!requested && quirks.has("daemon-no-respawn"))) return;
    const next = respawnAfter(requested ? 0 : crashes, runMilliseconds);
    crashes = next.crashes;
    waiting = clock.after(next.delay, launch);
  }

  /** A signal without a handler would end the daemon; once there is one, it stays. */
  function notify(): void {
    looking?.cancel();
    if (child?.pid === undefined) return;
    if (catches(child.pid, "SIGHUP")) child.kill("SIGHUP");
    else looking = clock.after(LOOK_AGAIN, notify);
  }

  function end(): void {
    waiting?.cancel();
    waiting = undefined;
    if (child === undefined || stopping) return;
    stopping = true;
    child.kill("SIGTERM");
    killing = clock.after(STOP_GRACE, () => child?.kill("SIGKILL"));
  }

  launch();
  return {
    name,
    body: () => ({
      name,
      pid: (quirks.has("daemons-pid-stale") ? firstPid : child?.pid) ?? -1,
      respawn,
    }),
    start() {
      if (quirks.has("daemon-start-ignored")) return;
      respawn = true;
      waiting?.cancel();
      if (child === undefined) launch();
    },
    stop() {
      respawn = quirks.has("daemon-respawns-after-stop");
      end();
    },
    notify,
    shutDown() {
      respawn = false;
      end();
      if (child === undefined) return Promise.resolve();
      return new Promise((resolve) => (gone = resolve));
    },
  };
}
