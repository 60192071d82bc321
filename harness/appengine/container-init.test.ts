import { expect, test } from "vitest";
import { enterArgv, findInit, runningContainers } from "./container-init.ts";

const MOUNTS = `/proc/mounts:cgroup /sys/fs/cgroup/devices cgroup ro,relatime,devices 0 0
/proc/mounts:none /sys/fs/cgroup cgroup2 rw,relatime 0 0
`;

/** A shell whose PROCESSES are these, and whose other commands print titles by pid. */
function shellWith(processes: string, titles: Readonly<Record<string, string>> = {}) {
  return {
    sh: (script: string) => {
      const parent = /^cat \/proc\/(\d+)\/cmdline$/.exec(script)?.[1];
      const stdout = parent === undefined ? processes : (titles[parent] ?? "");
      return Promise.resolve({ exitCode: 0, stdout, stderr: "" });
    },
  };
}

function process(pid: number, cgroup: string, nspid: string, parent = 1): string {
  return `/proc/${pid}/cgroup:${cgroup}\n/proc/${pid}/status:PPid:\t${parent}\n/proc/${pid}/status:NSpid:\t${nspid}\n`;
}

test.each([
  ["version 2", "0::/lxc.payload.web", ["/sys/fs/cgroup/lxc.payload.web/cgroup.procs"]],
  ["one folder", "0::/lxc/web", ["/sys/fs/cgroup/lxc/web/cgroup.procs"]],
  ["further below", "0::/lxc/web/init.scope", ["/sys/fs/cgroup/lxc/web/cgroup.procs"]],
  ["the host's view", "0::/docker/1/lxc/web", ["/sys/fs/cgroup/docker/1/lxc/web/cgroup.procs"]],
  ["runc", "0::/runc.payload.web", ["/sys/fs/cgroup/runc.payload.web/cgroup.procs"]],
  ["version 1", "3:devices:/lxc/web", ["/sys/fs/cgroup/devices/lxc/web/cgroup.procs"]],
  ["a hierarchy that is not mounted", "1:name=pantavisor:/lxc/web", []],
])("an init is found by its cgroup: %s", async (_, cgroup, cgroups) => {
  const others = process(1, "0::/", "1") + process(12, cgroup, "12\t5", 10);
  const shell = shellWith(others + process(10, cgroup, "10\t1") + MOUNTS);
  expect(await findInit(shell, "web")).toEqual({ pid: 10, cgroups });
  expect(await findInit(shell, "other")).toBeUndefined();
  expect(await runningContainers(shell)).toEqual(["web"]);
});

test("a container cannot pass for another one", async () => {
  const hostile =
    // A cgroup of its own making, and a pid namespace below its own.
    process(10, "0::/lxc.payload.evil/lxc.payload.web", "10\t1") +
    process(11, "0::/lxc.payload.evil/lxc/web", "11\t2\t1");
  expect(await findInit(shellWith(hostile + MOUNTS), "web")).toBeUndefined();
});

test("a numbered cgroup is the container's that its monitor names", async () => {
  const numbered = process(10, "0::/lxc.payload.web-1", "10\t1", 9) + MOUNTS;
  const found = { pid: 10, cgroups: ["/sys/fs/cgroup/lxc.payload.web-1/cgroup.procs"] };
  const foreground = shellWith(numbered, { 9: "lxc-start\0-F\0-n\0web\0" });
  const daemon = shellWith(numbered, { 9: "[lxc monitor] /usr/var/lib/lxc web\0\0" });
  expect(await findInit(foreground, "web")).toEqual(found);
  expect(await findInit(daemon, "web")).toEqual(found);
  const another = shellWith(numbered, { 9: "lxc-start\0-F\0-n\0web-1\0" });
  expect(await findInit(another, "web")).toBeUndefined();
  expect(await findInit(another, "web-1")).toEqual(found);
});

test("what enters is in the container's pid namespace before it joins its cgroups", () => {
  const argv = enterArgv({ pid: 10, cgroups: ["/a/cgroup.procs"] }, ["sh", "-c", "x"]);
  expect(argv.slice(0, 5)).toEqual(["nsenter", "-t", "10", "-p", "--"]);
  expect(argv.slice(8)).toEqual(["pvh-enter", "10", "/a/cgroup.procs", "--", "sh", "-c", "x"]);
});
