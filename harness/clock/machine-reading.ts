import { readFileSync } from "node:fs";
import { cpus } from "node:os";

/** Counters of the machine at one moment; what this kernel does not tell is undefined. */
export interface MachineReading {
  /** Milliseconds of a monotonic clock. */
  readonly wall: number;
  /** Milliseconds of CPU that this thread has used. */
  readonly own: number;
  /** Threads of the machine that run or could run (proc_loadavg(5), fourth field). */
  readonly runnable: number | undefined;
  /** Milliseconds in which a thread waited for a CPU (Documentation/accounting/psi.rst, `some`). */
  readonly waited: number | undefined;
  /** Ticks that the hypervisor took from all CPUs (proc_stat(5), `steal`). */
  readonly stolen: number | undefined;
  /** Ticks of all CPUs, idle ones included. */
  readonly ticks: number | undefined;
}

/** Milliseconds of the clock of `wall`; kept before a scenario can put a fake clock in its place. */
export const monotonic = performance.now.bind(performance);

export type ReadFile = (path: string) => string;

/** CPUs of the machine, also where a container may use a few of them only. */
export const CORES = Math.max(1, cpus().length);

export function readMachine(read: ReadFile = (path) => readFileSync(path, "utf8")): MachineReading {
  const { user, system } = process.threadCpuUsage();
  // cpu user nice system idle iowait irq softirq steal guest guest_nice; guests are in user.
  const ticks = /^cpu +([\d ]+)$/m.exec(textOf(read, "/proc/stat"))?.[1]?.split(" ").map(Number);
  return {
    wall: monotonic(),
    own: (user + system) / 1_000,
    runnable: numberIn(textOf(read, "/proc/loadavg"), /^\S+ \S+ \S+ (\d+)\//),
    waited: milliseconds(numberIn(textOf(read, "/proc/pressure/cpu"), /^some .*total=(\d+)/)),
    stolen: ticks?.[7],
    ticks: ticks?.slice(0, 8).reduce((sum, count) => sum + count, 0),
  };
}

/** A machine that gives everything: given time is the wall's. */
export function readWall(): MachineReading {
  const wall = monotonic();
  const unknown = { runnable: undefined, waited: undefined, stolen: undefined, ticks: undefined };
  return { wall, own: wall, ...unknown };
}

function textOf(read: ReadFile, path: string): string {
  try {
    return read(path);
  } catch {
    return "";
  }
}

function numberIn(text: string, pattern: RegExp): number | undefined {
  const digits = pattern.exec(text)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

function milliseconds(micros: number | undefined): number | undefined {
  return micros === undefined ? undefined : micros / 1_000;
}
