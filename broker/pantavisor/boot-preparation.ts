import { closeSync, openSync, readFileSync } from "node:fs";
import { ensureLoopControl } from "../shared/linux/loop.ts";
import { MountFlag, mount } from "../shared/linux/mount.ts";

/**
 * Prepare what an appengine needs and a container engine does not provide (docs/pantavisor.md
 * §2.7): a writable /sys, a cgroup2 hierarchy at /sys/fs/cgroup, /dev/loop-control, and an
 * /etc/resolv.conf for containers to bind. Doing it here makes the documented
 * `docker run` lines work by themselves.
 * @param warn called with what could not be prepared; the boot goes on and may still work
 */
export function prepareBoot(warn: (message: string) => void): void {
  const attempt = (what: string, prepare: () => void) => {
    try {
      prepare();
    } catch (error) {
      warn(`${what}: ${(error as Error).message}`);
    }
  };
  attempt("cannot make /sys writable", () => remountWritable("/sys"));
  attempt("cannot mount cgroup2", mountCgroup2);
  attempt("cannot make /dev/loop-control", ensureLoopControl);
  attempt("cannot make /etc/resolv.conf", () => closeSync(openSync("/etc/resolv.conf", "a")));
}

const GUARDED = MountFlag.noSuid | MountFlag.noDev | MountFlag.noExec;

function remountWritable(target: string): void {
  if (optionsOf(target)?.writable === true) return;
  mount({ source: "none", target, flags: MountFlag.remount | GUARDED });
}

/** On a hybrid host the engine puts cgroup v1 there; the new hierarchy covers it. */
function mountCgroup2(): void {
  const target = "/sys/fs/cgroup";
  const isThere = optionsOf(target)?.type === "cgroup2";
  remountWritable(target);
  if (!isThere) mount({ source: "none", target, type: "cgroup2", flags: GUARDED });
}

/** Type and writability of the topmost mount at a path, from /proc/self/mounts (proc(5)). */
function optionsOf(target: string): { type: string; writable: boolean } | undefined {
  const lines = readFileSync("/proc/self/mounts", "utf8").split("\n");
  const fields = lines.findLast((line) => line.split(" ")[1] === target)?.split(" ");
  if (fields === undefined) return undefined;
  return { type: fields[2] ?? "", writable: fields[3]?.split(",").includes("rw") === true };
}
