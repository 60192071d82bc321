/**
 * The name in a container's cgroup. Forms: cgroup v2 `0::/lxc.payload.NAME[/…]` or
 * `0::/runc.payload.NAME[/…]`, the real appengine's `…/lxc/NAME`, cgroup v1
 * `N:name=pantavisor:/lxc/NAME`.
 * @param cgroup text of /proc/PID/cgroup
 */
export function containerOf(cgroup: string): string | undefined {
  for (const line of cgroup.split("\n")) {
    const path = line.split(":").slice(2).join(":");
    const match = /(?:^|\/)(?:(?:lxc|runc)\.payload\.|lxc\/)([^/]+)/.exec(path);
    if (match?.[1] !== undefined) return match[1];
  }
  return undefined;
}
