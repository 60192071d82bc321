/**
 * Folder of a process's device cgroup: in the `devices` hierarchy of v1, or in the one of v2.
 *
 * In a cgroup namespace of one's own both the process's path and the root of the mount begin with `/..` where they
 * are outside of it (cgroup_namespaces(7)).
 *
 * @param groups /proc/PID/cgroup of the process
 * @param mounts /proc/self/mountinfo
 * @returns undefined where it has none, or one that is not mounted
 */
export function deviceCgroup(groups: string, mounts: string): string | undefined {
  const unified = /^0::(\/.+)$/m.exec(groups)?.[1];
  const path = unified ?? /^\d+:(?:[^:]*,)?devices(?:,[^:]*)?:(\/.+)$/m.exec(groups)?.[1];
  if (path === undefined) return undefined;
  // The last mount covers those before it.
  for (const line of mounts.trimEnd().split("\n").toReversed()) {
    const [before = "", after = ""] = line.split(" - ");
    const [, , , root = "", at = ""] = before.split(" ");
    const [type, , options = ""] = after.split(" ");
    const isIt =
      unified === undefined
        ? type === "cgroup" && options.split(",").includes("devices")
        : type === "cgroup2";
    if (!isIt) continue;
    if (root === "/") return `${at}${path}`;
    return path.startsWith(`${root}/`) ? `${at}${path.slice(root.length)}` : undefined;
  }
  return undefined;
}
