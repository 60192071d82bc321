import { readFileSync, readdirSync } from "node:fs";

/**
 * Environment variable that the process of a scenario has, and that all it starts inherits: a
 * process group would lose those that begin a session of their own (`detached` of Node, setsid(1)).
 * All that have it end with the scenario, so a process that outlives pvh starts without it.
 */
export const WORKER_VARIABLE = "PVH_WORKER";

export interface ProcessFacts {
  readonly pid: number;
  readonly parent: number;
  /** The program's name and arguments, with blanks between them. */
  readonly command: string;
}

/** Every process that lives now; those that have ended and wait for their parent are left out. */
export function processes(): ProcessFacts[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, "utf8");
        // The command name, in brackets, may itself hold spaces and brackets (proc(5)).
        const [state, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
        if (state === "Z") return [];
        const command = readFileSync(`/proc/${name}/cmdline`, "utf8").replaceAll("\0", " ").trim();
        return [{ pid: Number(name), parent: Number(parent), command }];
      } catch {
        return [];
      }
    });
}

/** Those below a process, parents first. */
export function descendants(pid: number): ProcessFacts[] {
  const all = processes();
  const found: ProcessFacts[] = [];
  const parents = [pid];
  for (const parent of parents) {
    for (const one of all.filter((each) => each.parent === parent)) {
      found.push(one);
      parents.push(one.pid);
    }
  }
  return found;
}

/** Processes whose environment has the variable with this value. */
export function withVariable(name: string, value: string): ProcessFacts[] {
  return processes().filter(({ pid }) => {
    try {
      const environment = readFileSync(`/proc/${pid}/environ`, "latin1").split("\0");
      return environment.includes(`${name}=${value}`);
    } catch {
      return false;
    }
  });
}
