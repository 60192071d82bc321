import {
  containerCgroup,
  isNumbered,
  monitoredBy,
} from "../../broker/shared/formats/container-cgroup.ts";
import type { ContainerCgroup } from "../../broker/shared/formats/container-cgroup.ts";
import type { AppengineShell } from "./appengine-shell.ts";

/** The init process of a container, by which it is entered. */
export interface ContainerInit {
  /** Its pid, as seen in the appengine. */
  readonly pid: number;
  /** Paths of the files `cgroup.procs` of the container's cgroups. */
  readonly cgroups: readonly string[];
}

/**
 * Facts of all processes, in one look: cgroups of containers that they are in, their pids in each
 * pid namespace, their parents; with them the mounted cgroup hierarchies.
 */
export const PROCESSES = `grep -sHE ':.*/(lxc|runc)(/|[.]payload[.])|^(PPid|NSpid):| cgroup2? ' /proc/[0-9]*/cgroup /proc/[0-9]*/status /proc/mounts`;

/**
 * Find the init process of a running container without any tool of its runtime: it is pid 1 of a
 * pid namespace right below the appengine's, in a cgroup that is named after the container. A
 * cgroup `NAME-1` is one of NAME when its monitor says so: liblxc numbers them while an older one
 * is left over.
 *
 * @returns undefined when the container does not run
 */
export async function findInit(
  shell: Pick<AppengineShell, "sh">,
  name: string,
): Promise<ContainerInit | undefined> {
  const { inits, mounts } = parseProcesses((await shell.sh(PROCESSES, { untold: true })).stdout);
  const paths = ({ pid, cgroups }: Process): ContainerInit => ({
    pid,
    cgroups: cgroups.flatMap((cgroup) => procsOf(cgroup, mounts)),
  });
  const exactly = inits.find(({ cgroups }) => cgroups.some((cgroup) => cgroup.name === name));
  if (exactly !== undefined) return paths(exactly);
  for (const init of inits) {
    if (!init.cgroups.some((cgroup) => isNumbered(cgroup.name, name))) continue;
    const { stdout } = await shell.sh(`cat /proc/${init.parent}/cmdline`, {
      untold: true,
    });
    if (monitoredBy(stdout) === name) return paths(init);
  }
  return undefined;
}

/** @returns names of the containers that run, as their cgroups have them */
export async function runningContainers(shell: Pick<AppengineShell, "sh">): Promise<string[]> {
  const { inits } = parseProcesses((await shell.sh(PROCESSES, { untold: true })).stdout);
  return [...new Set(inits.flatMap(({ cgroups }) => cgroups.map((cgroup) => cgroup.name)))];
}

interface Process {
  readonly pid: number;
  readonly cgroups: ContainerCgroup[];
  parent: number;
  /** Its pid in the appengine and in each pid namespace below. */
  pids: readonly string[];
}

interface Mount {
  readonly hierarchy: readonly string[];
  readonly at: string;
}

function parseProcesses(text: string): { inits: Process[]; mounts: Mount[] } {
  const processes = new Map<string, Process>();
  const mounts: Mount[] = [];
  for (const line of text.split("\n")) {
    const [, pid = "", rest = ""] = /^\/proc\/(\w+)\/?\w*:(.*)$/.exec(line) ?? [];
    if (pid === "mounts") mounts.push(...mountOf(rest));
    else if (pid !== "") {
      const process = processes.get(pid) ?? { pid: Number(pid), cgroups: [], parent: 0, pids: [] };
      processes.set(pid, process);
      learn(process, rest);
    }
  }
  const isInit = ({ pids, cgroups }: Process): boolean =>
    pids.length === 2 && pids[1] === "1" && cgroups.length > 0;
  return { inits: [...processes.values()].filter(isInit), mounts };
}

function learn(process: Process, line: string): void {
  const [key, ...words] = line.split(/\s+/);
  if (key === "PPid:") process.parent = Number(words[0]);
  else if (key === "NSpid:") process.pids = words;
  else {
    const cgroup = containerCgroup(line);
    if (cgroup !== undefined) process.cgroups.push(cgroup);
  }
}

function mountOf(line: string): Mount[] {
  const [, at = "", type = "", options = ""] = line.split(" ");
  if (type === "cgroup2") return [{ at, hierarchy: [""] }];
  return type === "cgroup" ? [{ at, hierarchy: options.split(",") }] : [];
}

function procsOf({ hierarchy, path }: ContainerCgroup, mounts: readonly Mount[]): string[] {
  // The last mount covers those before it.
  const mount = mounts.findLast((one) =>
    hierarchy.split(",").every((controller) => one.hierarchy.includes(controller)),
  );
  return mount === undefined ? [] : [`${mount.at}${path}/cgroup.procs`];
}

/**
 * Command line that runs a command in a container as one of its processes: in its cgroups, its
 * namespaces and its root. Whatever joins the cgroup is in the pid namespace by then, so that the
 * container's end leaves nothing of it in the cgroup.
 */
export function enterArgv(
  { pid, cgroups }: ContainerInit,
  argv: readonly string[],
  { terminal = false } = {},
): string[] {
  const inside = ["sh", "-c", JOIN, "pvh-enter", String(pid), ...cgroups, "--", ...argv];
  // Job control takes a session whose leader is in the same pid namespace.
  const session = terminal ? ["setsid", "-c"] : [];
  return ["nsenter", "-t", String(pid), "-p", "--", ...session, ...inside];
}

/** Writing 0 to cgroup.procs moves the writer. */
const JOIN = `
  pid=$1; shift
  while [ "$1" != -- ]; do echo 0 >"$1" || exit 126; shift; done
  shift; exec nsenter -t "$pid" -m -u -i -n -C -T -r -w -- "$@"`;
