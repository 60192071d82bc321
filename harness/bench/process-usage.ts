import { readFileSync, readdirSync } from "node:fs";

export interface Usage {
  /** CPU time of the process, of those below it and of those that it has reaped, in seconds. */
  readonly cpu: number;
  /** Resident memory of the process and those below it, in MiB. */
  readonly rss: number;
}

/** USER_HZ: the unit of CPU time in /proc, the same on every architecture that Node runs on. */
const TICKS_PER_SECOND = 100;

/** CPU time and memory of a process and its descendants up to now. */
export function usageOf(pid: number): Usage {
  let [ticks, kib] = [0, 0];
  const all = processes();
  const tree = [pid];
  for (const one of tree) {
    const found = all.get(one);
    if (found === undefined) continue;
    ticks += found.ticks;
    kib += found.kib;
    tree.push(...[...all].flatMap(([child, { parent }]) => (parent === one ? [child] : [])));
  }
  return { cpu: ticks / TICKS_PER_SECOND, rss: kib / 1024 };
}

interface ProcessFacts {
  readonly parent: number;
  readonly ticks: number;
  readonly kib: number;
}

function processes(): Map<number, ProcessFacts> {
  return new Map(
    readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .flatMap((name) => {
        const facts = factsOf(name);
        return facts === undefined ? [] : [[Number(name), facts] as const];
      }),
  );
}

/** proc_pid_stat(5); the name in parentheses may hold anything. */
function factsOf(pid: string): ProcessFacts | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const field = (number: number): number => Number(fields[number - 3]);
    const ticks = field(14) + field(15) + field(16) + field(17);
    const status = readFileSync(`/proc/${pid}/status`, "latin1");
    const kib = Number(/^VmRSS:\s*(\d+) kB/m.exec(status)?.[1] ?? 0);
    return { parent: field(4), ticks, kib };
  } catch {
    return undefined;
  }
}
