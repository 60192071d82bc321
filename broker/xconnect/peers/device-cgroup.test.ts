import { expect, test } from "vitest";
import { deviceCgroup } from "./device-cgroup.ts";

const V1 = "40 30 0:31 / /sys/fs/cgroup/devices rw,relatime - cgroup cgroup rw,devices";
const V2 = "163 388 0:38 / /sys/fs/cgroup rw,relatime - cgroup2 none rw";
const OUTER = "163 388 0:38 /.. /sys/fs/cgroup rw,relatime - cgroup2 none rw";

test.each([
  ["v2", "5:devices:/\n0::/lxc/app\n", [V1, V2], "/sys/fs/cgroup/lxc/app"],
  [
    "v2 outside of the broker's cgroup namespace",
    "0::/../lxc/app\n",
    [V2, OUTER],
    "/sys/fs/cgroup/lxc/app",
  ],
  ["v2 beside a mount of another part", "0::/lxc/app\n", [OUTER], undefined],
  ["v1", "5:devices:/lxc/app\n0::/\n", [V1], "/sys/fs/cgroup/devices/lxc/app"],
  ["v1 that is not mounted", "5:devices:/lxc/app\n", [V2], undefined],
  ["none", "0::/\n", [V2], undefined],
])("the device cgroup of %s", (_, groups, mounts, folder) => {
  expect(deviceCgroup(groups, `${mounts.join("\n")}\n`)).toBe(folder);
});
