import { spawn } from "node:child_process";
import {
  closeSync,
  existsSync,
  openSync,
  readFileSync,
  readSync,
  readlinkSync,
  statSync,
} from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { readStartTime } from "../linux/process-start.ts";
import { exitCodeFromLog, startErrorFromLog } from "./lxc-config.ts";
import { haltSignal } from "./halt-signal.ts";

/** A container run by `lxc-start -F`: the monitor is our child, init is the monitor's. */
export interface ContainerProcess {
  /** Resolves when init runs; undefined when the container ended before that was seen. */
  readonly started: Promise<InitProcess | undefined>;
  /** Resolves when nothing of it is left. Never rejects. */
  readonly ended: Promise<Ending>;
  /** Pid of lxc-start. */
  readonly monitorPid: number;
  /** Ask init to end, as soon as it has a handler for that. */
  halt(): void;
  kill(): void;
}

export interface InitProcess {
  readonly pid: number;
  readonly startTime: number;
}

export interface Ending {
  /** null when a signal ended it. */
  readonly exitCode: number | null;
  /** Why it could not be started. */
  readonly reason?: string;
}

const START_DEADLINE = 10_000;
/** liblxc has no event for "init runs" that is cheaper than looking. */
const LOOK_AGAIN = 2;
const RETRY_HALT = 100;

/** @param lxcLog lxc.log of the container: liblxc appends to it */
export function startContainer(name: string, lxcLog: string): ContainerProcess {
  const logStart = existsSync(lxcLog) ? statSync(lxcLog).size : 0;
  const monitor = spawn("lxc-start", ["-F", "-n", name], { stdio: "ignore" });
  let init: InitProcess | undefined;
  let halting: NodeJS.Timeout | undefined;
  let alive = true;
  const isAlive = (): boolean => alive;
  const ended = new Promise<Ending>((resolve) => {
    monitor.once("error", ({ message }) => {
      alive = false;
      resolve({ exitCode: 1, reason: message });
    });
    monitor.once("exit", (code) => {
      alive = false;
      clearInterval(halting);
      resolve(describeEnding(code, readFrom(lxcLog, logStart)));
    });
  });
  const started = (async () => {
    const deadline = performance.now() + START_DEADLINE;
    while (isAlive() && init === undefined) {
      init = findInit(monitor.pid ?? 0);
      if (init === undefined) await pause(LOOK_AGAIN);
      if (performance.now() > deadline) monitor.kill("SIGKILL");
    }
    return init;
  })();

  function signal(choose: (pid: number) => NodeJS.Signals | undefined): boolean {
    if (!alive || init === undefined) return false;
    try {
      // Between init's end and the monitor's, its pid may already be another process.
      if (readStartTime(init.pid) !== init.startTime) return false;
      const chosen = choose(init.pid);
      return chosen !== undefined && process.kill(init.pid, chosen);
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

/** The monitor's child that is pid 1 of its own namespace and runs its own program by now. */
function findInit(monitor: number): InitProcess | undefined {
  try {
    const children = readFileSync(`/proc/${monitor}/task/${monitor}/children`, "utf8");
    const program = readlinkSync(`/proc/${monitor}/exe`);
    for (const pid of children.split(" ").filter(Boolean).map(Number)) {
      const isInit = /^NSpid:.*\t1$/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
      if (isInit && readlinkSync(`/proc/${pid}/exe`) !== program) {
        return { pid, startTime: readStartTime(pid) };
      }
    }
  } catch {
    // It has just gone: `ended` tells.
  }
  return undefined;
}

function describeEnding(monitorCode: number | null, log: string): Ending {
  if (monitorCode === null) return { exitCode: null };
  if (monitorCode !== 0) return { exitCode: monitorCode, reason: startErrorFromLog(log) };
  return { exitCode: exitCodeFromLog(log) };
}

const LOG_TAIL = 64 * 1024;

function readFrom(path: string, start: number): string {
  if (!existsSync(path)) return "";
  const fd = openSync(path, "r");
  try {
    const size = statSync(path).size;
    const from = Math.max(start, size - LOG_TAIL);
    const buffer = Buffer.alloc(Math.max(0, size - from));
    return buffer.toString("utf8", 0, readSync(fd, buffer, 0, buffer.length, from));
  } finally {
    closeSync(fd);
  }
}
