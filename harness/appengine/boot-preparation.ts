import { TOOLS } from "./layout.ts";

/**
 * The 1,024 nodes of loop devices that 029-32's pv-appengine makes where they are missing, each with a
 * process of its own: on a busy machine that takes a minute, here it is one process of pvh's tools.
 */
const LOOP_NODES =
  "import os; [os.path.exists(p := f'/dev/loop{i}') or os.mknod(p, 0o60660, os.makedev(7, i)) for i in range(1024)]";

/**
 * Preparation that a real appengine's container needs before pv-appengine starts
 * (docs/pantavisor.md §2.7), as POSIX sh. Each line is harmless where it is done already, and the
 * reference's own pv-appengine does the same, so that the documented `docker run` lines work
 * without pvh.
 */
const PREPARE = [
  "[ -e /dev/loop-control ] || mknod /dev/loop-control c 10 237",
  "mount -o remount,rw /sys",
  "mount -o remount,rw /sys/fs/cgroup",
  "ip link set lo up",
  `[ ! -x ${TOOLS}/bin/python3 ] || ${TOOLS}/bin/python3 -Sc "${LOOP_NODES}"`,
]
  .map((line) => `{ ${line}; } 2>/dev/null`)
  .join("; ");

/** PID 1 of a manual boot: does nothing, reaps orphans, ends at once on SIGTERM. */
export const IDLE = [
  "/bin/sh",
  "-c",
  "trap 'exit 0' TERM INT; while :; do sleep 3600 & wait $!; done",
];

/** PID 1 of an automatic boot: prepare, then become the image's own entry point. */
export function prepared(entrypoint: readonly string[]): string[] {
  return ["/bin/sh", "-c", `${PREPARE}; exec "$@"`, "pvh-boot", ...entrypoint];
}

/** File in which a manual boot leaves pv-appengine's exit code. */
export const EXIT_FILE = "/run/pvh-appengine.exit";

/** Start pv-appengine beside an idle PID 1, with its output in the container's log. */
export const START_MANUALLY = `${PREPARE}; rm -f ${EXIT_FILE}; { pv-appengine >/proc/1/fd/1 2>&1; echo $? >${EXIT_FILE}; } </dev/null >/dev/null 2>&1 &`;
