import type { ChildProcess } from "node:child_process";
import { readFileSync, readdirSync, readlinkSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { readStartTime } from "../../shared/linux/process-start.ts";
import type { ProcessName } from "../../shared/linux/signal-process.ts";
import { signalProcess } from "../../shared/linux/signal-process.ts";
import { haltSignal } from "./halt-signal.ts";

/** A container that runs: its monitor is our child, its init is the monitor's. */
export interface ContainerProcess {
  /** Resolves when init runs; undefined when the container ended before that was seen. */
  readonly started: Promise<InitProcess | undefined>;
  /** Resolves when nothing of it is left. Never rejects. */
  readonly ended: Promise<Ending>;
  /** Pid of the monitor. */
  readonly monitorPid: number;
  /** Ask init to end, as soon as it has a handler for that. */
  halt(): void;
  kill(): void;
}

export type InitProcess = ProcessName;

export interface Ending {
  /** null when a signal ended it. */
  readonly exitCode: number | null;
  /** Reason for which it could not be started. */
  readonly reason?: string;
}

/** Milliseconds that the monitor has until init runs. */
const START_DEADLINE = 10_000;
/** No container runtime has an event for "init runs" that is cheaper than looking. */
const LOOK_AGAIN = 2;
const RETRY_HALT = 100;

/**
 * @param monitor     runs the container in the foreground
 * @param describeEnd how init ended, from the monitor's exit code, null for a signal, and whether
 *                    init was seen to run
 * @param deadline    milliseconds after which a monitor whose init does not run yet is killed
 */
export function watchContainer(
  monitor: ChildProcess,
  describeEnd: (monitorCode: number | null, initRan: boolean) => Ending,
  deadline = START_DEADLINE,
): ContainerProcess {
  let init: InitProcess | undefined;
  let isLate = false;
  let halting: NodeJS.Timeout | undefined;
  let alive = true;
  const isAlive = (): boolean => alive;
  const ended = new Promise<Ending>((resolve) => {
    monitor.once("error", ({ message }) => {
      alive = false;
      resolve({ exitCode: 1, reason: message });
    });
    monitor.once("exit", (code) => {
      // A monitor that was killed leaves its container running.
      signal(() => "SIGKILL");
      alive = false;
      clearInterval(halting);
      const ending = describeEnd(code, init !== undefined);
      const late = `init did not run within ${deadline} ms`;
      resolve(isLate ? { ...ending, reason: ending.reason ?? late } : ending);
    });
  });
  const started = (async () => {
    const begun = performance.now();
    while (isAlive() && !isLate) {
      init = findInit(monitor.pid ?? 0);
      if (init !== undefined) break;
      isLate = performance.now() - begun > deadline;
      if (isLate) monitor.kill("SIGKILL");
      else await pause(LOOK_AGAIN);
    }
    return init;
  })();

  function signal(choose: (pid: number) => NodeJS.Signals | undefined): boolean {
    if (!alive || init === undefined) return false;
    try {
      const chosen = choose(init.pid);
      // Between init's end and the monitor's, its pid may already be another process.
      return chosen !== undefined && signalProcess(init, chosen);
    } catch {
      return false;
    }
  }

  return {
    started,
    ended,
    monitorPid: monitor.pid ?? -1,
    halt() {
      const ask = () => {
        const asked = signal((pid) => haltSignal(readFileSync(`/proc/${pid}/status`, "utf8")));
        if (asked || !alive) clearInterval(halting);
      };
      halting = setInterval(ask, RETRY_HALT);
      ask();
    },
    kill() {
      clearInterval(halting);
      // Without init the monitor is all there is; it takes a half-made container with it.
      if (!signal(() => "SIGKILL")) monitor.kill("SIGKILL");
    },
  };
}

/**
 * The monitor's child that is pid 1 of its own namespace and runs its own program by now: not
 * the monitor's, nor a stage of runc, which runs from a copy of itself and is named by its
 * stage (`runc:[2:INIT]`). Only then is the container's root what it will stay.
 */
function findInit(monitor: number): InitProcess | undefined {
  try {
    const program = readlinkSync(`/proc/${monitor}/exe`);
    for (const pid of childrenOf(monitor)) {
      const status = readFileSync(`/proc/${pid}/status`, "utf8");
      const isInit = /^NSpid:.*\t1$/m.test(status) && !/^Name:\trunc:\[\d:/m.test(status);
      if (isInit && readlinkSync(`/proc/${pid}/exe`) !== program) {
        return { pid, startTime: readStartTime(pid) };
      }
    }
  } catch {
    // The process has just gone; `ended` reports that.
  }
  return undefined;
}

/** Children belong to the thread that forked them, and runc has many. */
function childrenOf(pid: number): number[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
    readFileSync(`/proc/${pid}/task/${thread}/children`, "utf8")
      .split(" ")
      .filter(Boolean)
      .map(Number),
  );
}
