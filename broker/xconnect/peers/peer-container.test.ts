import { expect, test } from "vitest";
import { isOfAnother } from "./peer-container.ts";

const MONITOR = "/proc/9/cmdline";

/** A process 10 in this cgroup, whose parent 9 has this command line. */
function machine(cgroup: string, monitor: string) {
  const files: Readonly<Record<string, string>> = {
    "/proc/10/cgroup": `1:cpu:/\n0::${cgroup}\n`,
    "/proc/10/status": "Name:\tx\nPPid:\t9\n",
    [MONITOR]: monitor,
  };
  return (path: string): string => files[path] ?? "";
}

test.each([
  ["/lxc.payload.web", "", false],
  ["/lxc/web/.lxc", "", false],
  ["/", "", false],
  ["/lxc.payload.shop", "", true],
  ["/lxc/shop/lxc.payload.web", "", true],
  ["/lxc.payload.web-1", "lxc-start\0-F\0-n\0web\0", false],
  ["/lxc.payload.web-1", "[lxc monitor] /usr/var/lib/lxc web\0\0", false],
  // A container of that name.
  ["/lxc.payload.web-1", "lxc-start\0-F\0-n\0web-1\0", true],
  ["/lxc.payload.web-1", "", true],
  ["/lxc.payload.web-x", "lxc-start\0-n\0web\0", true],
])(
  "a process in %s, whose monitor is %j, is of another container than web: %s",
  (cgroup, monitor, another) => {
    expect(isOfAnother(10, "web", machine(cgroup, monitor))).toBe(another);
  },
);

test("a graph that names no container is believed", () => {
  expect(isOfAnother(10, "", machine("/lxc.payload.shop", ""))).toBe(false);
});
