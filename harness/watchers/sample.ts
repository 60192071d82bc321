/** Values that watchers look at, at one moment of an appengine. */
export interface WatchSample {
  /** Pid, open descriptors and resident bytes of pv-xconnect; undefined while it does not run. */
  readonly broker:
    { readonly pid: number; readonly fds: number; readonly bytes: number } | undefined;
  /** `PID NAME` of processes that have ended and that nobody has waited for. */
  readonly zombies: readonly string[];
  /** Number of the appengine's mounts, and of those of loop devices. */
  readonly mounts: number;
  readonly loops: number;
  /** Number of control groups below the appengine's. */
  readonly cgroups: number;
  /** Names of the running containers, sorted. */
  readonly containers: readonly string[];
  /** Lines of pantavisor.log with the level ERROR or FATAL. */
  readonly errors: readonly string[];
  /** Answer of pv-ctrl; undefined where there was none. */
  readonly control: ControlAnswer | undefined;
}

export interface ControlAnswer {
  /** Milliseconds of given time until it came. */
  readonly ms: number;
  /** Revision that runs. */
  readonly revision: string | undefined;
}

const LOGS = "/var/pantavisor/storage/logs/*/pantavisor/pantavisor.log";
/** ERROR lines of a log that are read. */
const MOST_ERRORS = 200;

/**
 * POSIX sh with procfs: what parseSample() reads. It starts two programs only, since a busy machine takes
 * long to start one.
 */
export const WATCH_SCRIPT = String.raw`
for stat in /proc/[0-9]*/stat; do
  read -r line < $stat || continue
  pid=${"$"}{line%% *}; rest=${"$"}{line##*) }; name=${"$"}{line#*\(}; name=${"$"}{name%)*}
  case $rest in Z*) echo "zombie $pid $name";; esac
  [ "$name" = pv-xconnect ] || continue
  set -- /proc/$pid/fd/*
  while read -r key value _; do
    [ "$key" = VmRSS: ] && echo "broker $pid $# $value"
  done < /proc/$pid/status
done 2>/dev/null
mounts=0; loops=0
while read -r line; do
  mounts=$((mounts + 1))
  case $line in *" /dev/loop"*) loops=$((loops + 1));; esac
done < /proc/1/mountinfo
echo "mounts $mounts $loops"
find /sys/fs/cgroup -type d 2>/dev/null
grep -a -H -m ${MOST_ERRORS} -E '^\[pantavisor\] [0-9]+ (ERROR|FATAL)' ${LOGS} 2>/dev/null
:`;

/** @param printed output of WATCH_SCRIPT */
export function parseSample(printed: string, control: ControlAnswer | undefined): WatchSample {
  const lines = printed.split("\n");
  const of = (word: string): string[] =>
    lines.filter((line) => line.startsWith(`${word} `)).map((line) => line.slice(word.length + 1));
  const numbers = (word: string): number[] => (of(word)[0] ?? "").split(" ").map(Number);
  const [pid = NaN, fds = NaN, kilobytes = NaN] = numbers("broker");
  const [mounts = NaN, loops = NaN] = numbers("mounts");
  const groups = lines.filter((line) => line.startsWith("/sys/fs/cgroup"));
  return {
    broker: Number.isFinite(kilobytes) ? { pid, fds, bytes: kilobytes * 1024 } : undefined,
    zombies: of("zombie"),
    mounts: mounts || 0,
    loops: loops || 0,
    cgroups: groups.length,
    containers: groups.flatMap((path) => CONTAINER.exec(path)?.[1] ?? []).sort(),
    errors: lines.flatMap((line) => ERROR.exec(line)?.[1] ?? []),
    control,
  };
}

/** The control group of an LXC container; those of its monitor have other names. */
const CONTAINER = /^\/sys\/fs\/cgroup\/(?:.*\/)?lxc\/([^/]+)$/;
/** A line of pantavisor.log behind its path, as grep -H prints it; of a single log there is no path. */
const ERROR = /(?:^|:)(\[pantavisor\] \d+ (?:ERROR|FATAL).*)$/;
