import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import type { DaemonBody } from "../shared/formats/control.ts";
import { catches } from "../shared/linux/caught-signals.ts";
import type { Clock, Timer } from "./lifecycle/clock.ts";
import type { DaemonEffect, DaemonEvent, DaemonState, DaemonTimer } from "./lifecycle/daemon.ts";
import { hasProcess, newDaemon, stepDaemon } from "./lifecycle/daemon.ts";
import type { LogLevel } from "./lifecycle/log-effect.ts";
import type { Quirks } from "../shared/quirks/quirks.ts";
import type { Daemon } from "./daemon.ts";
import { behindSleep } from "./daemon-sleeps-first.quirk.ts";
import { namedByFirstPid } from "./daemons-pid-stale.quirk.ts";
import type { PantavisorLog } from "./pantavisor-log.ts";

export interface DaemonOptions {
  readonly name: string;
  readonly command: readonly [string, ...string[]];
  readonly log: PantavisorLog;
  readonly clock: Clock;
  readonly quirks: Quirks;
  readonly onSpawn?: (pid: number) => void;
}

/** A daemon that does not run before `begin`. */
export function makeDaemon(options: DaemonOptions): Daemon {
  const daemon = new DaemonRunner(options);
  return options.quirks.has("daemons-pid-stale") ? namedByFirstPid(daemon) : daemon;
}

/** Carries out what the daemon's state machine decides, and reports back to it. */
class DaemonRunner implements Daemon {
  readonly name: string;
  readonly #options: DaemonOptions;
  readonly #timers = new Map<DaemonTimer, Timer>();
  #state: DaemonState = newDaemon;
  #process: ChildProcess | undefined;
  #hasRun = false;
  #onGone: () => void = () => undefined;

  constructor(options: DaemonOptions) {
    this.name = options.name;
    this.#options = options;
  }

  body(): DaemonBody {
    return { name: this.name, pid: this.#process?.pid ?? -1, respawn: this.#state.respawn };
  }

  begin(): void {
    this.#tell({ type: "begin" });
  }

  start(): void {
    this.#tell({ type: "start" });
  }

  stop(): void {
    this.#tell({ type: "stop" });
  }

  notify(): void {
    this.#tell({ type: "notify" });
  }

  shutDown(): Promise<void> {
    this.#tell({ type: "shutdown" });
    if (!hasProcess(this.#state)) return Promise.resolve();
    return new Promise((resolve) => (this.#onGone = resolve));
  }

  #tell(event: DaemonEvent): void {
    const { clock, quirks } = this.#options;
    const step = stepDaemon(this.name, this.#state, event, clock.now(), quirks);
    this.#state = step.state;
    for (const effect of step.effects) this.#apply(effect);
  }

  #apply(effect: DaemonEffect): void {
    const { log, clock } = this.#options;
    switch (effect.type) {
      case "log":
        log.write(effect.level, "daemons", effect.message);
        break;
      case "launch":
        this.#launch();
        break;
      case "halt":
        this.#process?.kill("SIGTERM");
        break;
      case "kill":
        this.#process?.kill("SIGKILL");
        break;
      case "notify":
        this.#sendChange();
        break;
      case "arm": {
        const { timer, milliseconds } = effect;
        const fire = () => this.#tell({ type: "timer", timer });
        this.#timers.set(timer, clock.after(milliseconds, fire));
        break;
      }
      case "disarm":
        this.#timers.get(effect.timer)?.cancel();
    }
  }

  #launch(): void {
    const { command, log, onSpawn, quirks } = this.#options;
    const sleeps = this.#hasRun && quirks.has("daemon-sleeps-first");
    const [file, ...args] = sleeps ? behindSleep(command) : command;
    this.#hasRun = true;
    const process = spawn(file, args, { stdio: ["ignore", "pipe", "pipe"] });
    this.#process = process;
    if (process.pid !== undefined) onSpawn?.(process.pid);
    this.#forward(process.stdout, "INFO", "out");
    this.#forward(process.stderr, "WARN", "err");
    process.once("error", ({ message }) => {
      log.write("ERROR", "daemons", `${this.name}: ${message}`);
      // With no free descriptor, spawn fails and no `close` follows this error.
      if (process.pid === undefined) this.#ended(process, null);
    });
    process.once("close", (code, signal) => this.#ended(process, code ?? signal));
  }

  /** @param stream absent when the process could not be started */
  #forward(stream: Readable | undefined, level: LogLevel, suffix: string): void {
    if (stream === undefined) return;
    createInterface({ input: stream }).on("line", (line) => {
      this.#options.log.write(level, `${this.name}-${suffix}`, line);
    });
  }

  #ended(process: ChildProcess, how: number | string | null): void {
    if (this.#process !== process) return;
    this.#process = undefined;
    this.#tell({ type: "ended", how });
    this.#onGone();
  }

  /** A signal without a handler would end the daemon; once there is one, it stays. */
  #sendChange(): void {
    const pid = this.#process?.pid;
    if (pid === undefined) return;
    if (catches(pid, "SIGHUP")) this.#process?.kill("SIGHUP");
    else this.#tell({ type: "deaf" });
  }
}
