/** What watchers look at, at one moment of an appengine. */
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
  /** Milliseconds of given time until pv-ctrl has answered; undefined: it has not. */
  readonly controlMs: number | undefined;
}

/** ERROR lines of a log that are read. */
const MOST_ERRORS = 200;

/** POSIX sh with procfs: what parseSample() reads. */
export const WATCH_SCRIPT = String.raw`
for stat in /proc/[0-9]*/stat; do
  read -r line < $stat || continue
  pid=${"$"}{line%% *}; rest=${"$"}{line##*) }; name=${"$"}{line#*\(}; name=${"$"}{name%)*}
  case $rest in Z*) echo "zombie $pid $name";; esac
  case $name in
    pv-xconnect) set -- /proc/$pid/fd/*; echo "broker $pid $# $(sed -n 's/^VmRSS:[^0-9]*\([0-9]*\).*/\1/p' /proc/$pid/status)";;
  esac
done 2>/dev/null
echo "mounts $(grep -c . /proc/1/mountinfo) $(grep -c ' /dev/loop' /proc/1/mountinfo)"
echo "cgroups $(find /sys/fs/cgroup -type d 2>/dev/null | grep -c .)"
lxc-ls -1 --active 2>/dev/null | tr -s ' \n' '\n' | sed -n 's/^\(.\)/container \1/p'
grep -a -h -E '^\[pantavisor\] [0-9]+ (ERROR|FATAL)' /var/pantavisor/storage/logs/*/pantavisor/pantavisor.log 2>/dev/null | tail -n ${MOST_ERRORS} | sed 's/^/error /'
:`;

/** @param printed output of WATCH_SCRIPT */
export function parseSample(printed: string, controlMs: number | undefined): WatchSample {
  const rows = printed.split("\n").map((line) => {
    const at = line.indexOf(" ");
    return { word: line.slice(0, at), rest: line.slice(at + 1) };
  });
  const of = (wanted: string): string[] =>
    rows.filter(({ word }) => word === wanted).map(({ rest }) => rest);
  const numbers = (wanted: string): number[] => (of(wanted)[0] ?? "").split(" ").map(Number);
  const [pid = NaN, fds = NaN, kilobytes = NaN] = numbers("broker");
  const [mounts = NaN, loops = NaN] = numbers("mounts");
  return {
    broker: Number.isFinite(kilobytes) ? { pid, fds, bytes: kilobytes * 1024 } : undefined,
    zombies: of("zombie"),
    mounts: mounts || 0,
    loops: loops || 0,
    cgroups: numbers("cgroups")[0] || 0,
    containers: of("container").sort(),
    errors: of("error"),
    controlMs,
  };
}
