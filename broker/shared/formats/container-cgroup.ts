/** A cgroup of a container in one hierarchy. */
export interface ContainerCgroup {
  /** Comma-separated controllers; empty in version 2. */
  readonly hierarchy: string;
  /** Path of the container's own cgroup; its processes may be further below. */
  readonly path: string;
  /** Name of the container, as the cgroup has it. */
  readonly name: string;
}

/**
 * The container's cgroup in a line of /proc/PID/cgroup. Forms: cgroup v2
 * `0::/lxc.payload.NAME[/…]` or `0::/runc.payload.NAME[/…]`, the real appengine's `…/lxc/NAME`,
 * cgroup v1 `N:name=pantavisor:/lxc/NAME`. The first such name in the path counts: whatever is below
 * it was named by the container.
 */
export function containerCgroup(line: string): ContainerCgroup | undefined {
  const [, hierarchy = "", ...rest] = line.split(":");
  const path = rest.join(":");
  const found = /(?:^|\/)(?:(?:lxc|runc)\.payload\.|lxc\/)([^/]+)/.exec(path);
  if (found?.[1] === undefined) return undefined;
  return { hierarchy, path: path.slice(0, found.index + found[0].length), name: found[1] };
}

/**
 * The name in a container's cgroup.
 * @param cgroup text of /proc/PID/cgroup
 */
export function containerOf(cgroup: string): string | undefined {
  for (const line of cgroup.split("\n")) {
    const found = containerCgroup(line);
    if (found !== undefined) return found.name;
  }
  return undefined;
}

/**
 * True for the name of a cgroup `NAME-1`, which may be one of NAME: liblxc numbers a container's
 * cgroup while an older one is left over. Only the monitor tells it from that of a container `NAME-1`.
 */
export function isNumbered(cgroup: string, name: string): boolean {
  return cgroup.startsWith(`${name}-`) && /^-\d+$/.test(cgroup.slice(name.length));
}

/**
 * Name of the container that a monitor of LXC has: the last word of its command line, or of the
 * title that it has given itself.
 */
export function monitoredBy(cmdline: string): string | undefined {
  return cmdline.split(/[\0 ]/).findLast((word) => word !== "");
}
