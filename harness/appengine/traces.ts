import type { AppengineShell } from "./appengine-shell.ts";
import { LOG_ROOT, STORAGE } from "./layout.ts";
import { shellQuote } from "../shell-quote.ts";

/** Processes, files and mounts of an appengine, as far as a check may leave some behind. */
export interface Traces {
  /** The running LXC containers by name. */
  readonly containers: ReadonlyMap<string, ContainerTraces>;
  /** Command lines of processes outside of containers, sorted; not those that pvh runs to look. */
  readonly processes: readonly string[];
  /** `PATH TYPE MODE` of the files outside of containers, sorted. */
  readonly files: readonly string[];
  /** Mount points of the appengine, sorted. */
  readonly mounts: readonly string[];
}

export interface ContainerTraces {
  /** Pid of its init in the appengine. */
  readonly pid: number;
  /** Names of its programs. */
  readonly programs: ReadonlySet<string>;
  /** Its writable files: `PATH TYPE MODE`, and what changes with each write to the file. */
  readonly files: ReadonlyMap<string, string>;
}

/** Mounts of the appengine with files that its own programs, or checks, write. */
const TREES = ["/", "/dev", "/dev/shm", STORAGE];
/** Not looked at: programs, the containers' own trees, logs, and nodes that all appengines share. */
const UNSEEN = ["/usr", "/volumes", LOG_ROOT, "/dev/loop*"];
/** Folder of files that checks may leave, and that nothing of the appengine needs. */
export const SCRATCH = ["/tmp/", "/var/tmp/"];

/**
 * POSIX sh with GNU find and procps, as the reference has them. Prints processes, containers with
 * their files, files and mounts; an empty line ends each part. The root of a container is an overlay;
 * its other writable places are tmpfs.
 */
const LOOK = `export LC_ALL=C
ps -ww -eo pid=,ppid=,pidns=,comm=,args=
echo
ps -eo pid=,ppid=,args= | awk '
  $3 == "lxc-start" { name[$1] = $6 }
  { parent[$1] = $2 }
  END { for (pid in parent) if (parent[pid] in name) print name[parent[pid]], pid }' |
while read -r name pid; do
  printf '%s\\t%s\\n' "$name" "$pid"
  { sed -n 's|^[^ ]* [^ ]* [^ ]* / / .*upperdir=\\([^,]*\\),.*|\\1|p' /proc/$pid/mountinfo
    awk -v root=/proc/$pid/root '
      { for (i = 7; i < NF; i++) if ($i == "-" && $(i + 1) == "tmpfs" && $4 == "/") print root $5 }' /proc/$pid/mountinfo
  } | tr '\\n' '\\0' | xargs -0 sh -c '[ $# -eq 0 ] || find "$@" -xdev -printf "$0\\t%p\\t%y %m\\t%i %C@ %s\\n"' "$name" 2>/dev/null
done
echo
find ${TREES.join(" ")} -xdev ${UNSEEN.map((path) => `-path ${shellQuote(path)} -prune -o `).join("")}-printf '%p %y %m\\n'
echo
awk '{ print $5 }' /proc/1/mountinfo`;

/** @throws PvhError of the shell */
export async function readTraces(appengine: AppengineShell, signal: AbortSignal): Promise<Traces> {
  const { stdout } = await appengine.sh(LOOK, { signal, timeout: 15_000, untold: true });
  return parseTraces(stdout);
}

/** @param printed output of LOOK */
export function parseTraces(printed: string): Traces {
  const [processes = "", containers = "", files = "", mounts = ""] = printed.split(/^\n/m);
  const running = processes.split("\n").flatMap((line) => processOf(line) ?? []);
  const own = running.find(({ pid }) => pid === 1)?.namespace;
  return {
    containers: new Map(
      containersOf(containers.split("\n")).map(({ name, pid, files: theirs }) => {
        const namespace = running.find((one) => one.pid === pid)?.namespace;
        const inside = running.filter((one) => one.namespace === namespace);
        const programs = new Set(inside.map(({ program }) => program));
        return [name, { pid, programs, files: theirs }];
      }),
    ),
    processes: outsideOf(running.filter(({ namespace }) => namespace === own)).sort(),
    files: [...new Set(files.split("\n").filter(Boolean))].sort(),
    mounts: mounts.split("\n").filter(Boolean).sort(),
  };
}

interface RunningProcess {
  readonly pid: number;
  readonly parent: number;
  readonly namespace: string;
  readonly program: string;
  readonly command: string;
}

function processOf(line: string): RunningProcess | undefined {
  const found = /^ *(\d+) +(\d+) +(\S+) +(\S+) +(.*)$/.exec(line);
  if (found === null) return undefined;
  const [, pid, parent, namespace = "", program = "", command = ""] = found;
  return { pid: Number(pid), parent: Number(parent), namespace, program, command };
}

/** Without pvh's open channels, and the processes that have just looked. */
function outsideOf(processes: readonly RunningProcess[]): string[] {
  const look = processes.find(({ command }) => command.includes("pid=,ppid=,pidns="));
  const looking = new Set<number>();
  for (let pid = look?.pid; pid !== undefined && pid !== 0;) {
    looking.add(pid);
    const child = pid;
    pid = processes.find((one) => one.pid === child)?.parent;
  }
  const isChannel = ({ parent, command }: RunningProcess): boolean =>
    parent === 0 && command.startsWith("nc -U ");
  return processes
    .filter((one) => !looking.has(one.pid) && !isChannel(one))
    .map(({ command }) => command);
}

function containersOf(
  lines: readonly string[],
): { readonly name: string; readonly pid: number; readonly files: Map<string, string> }[] {
  const containers = new Map<string, { pid: number; files: Map<string, string> }>();
  for (const line of lines) {
    const [name = "", second = "", kind, change = ""] = line.split("\t");
    if (kind === undefined) {
      if (second !== "") containers.set(name, { pid: Number(second), files: new Map() });
      continue;
    }
    const path = second.replace(/^\/proc\/\d+\/root/, "");
    containers.get(name)?.files.set(`${path} ${kind}`, change);
  }
  return [...containers].map(([name, one]) => ({ name, ...one }));
}
