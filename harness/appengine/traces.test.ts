import { expect, test } from "vitest";
import { parseTraces } from "./traces.ts";

const PRINTED = `      1       0 4026532264 pv-appengine    pv-appengine
     39       1 4026532264 pantavisor      pantavisor
     63      39 4026532264 lxc-start       lxc-start -F -n server
     64      63 4026532337 sh              /bin/sh /usr/bin/server
     77      64 4026532337 dbus-daemon     dbus-daemon --nofork
     80       0 4026532264 nc              nc -U /run/pantavisor/pv/pv-ctrl
     90       0 4026532264 sleep           sleep 60
    266       0 4026532264 sh              sh
    268     266 4026532264 ps              ps -ww -eo pid=,ppid=,pidns=,comm=,args=

server	64
server	/volumes/server/lxc-overlay/upper/etc	d 755	8 1796037386.8 60
server	/proc/64/root/run/a b.sock	s 777	3 1796037386.9 0

/tmp d 1777
/run/pv d 755

/proc
/
`;

test("containers have the programs and files below their own root", () => {
  const server = parseTraces(PRINTED).containers.get("server");
  expect(server?.pid).toBe(64);
  expect([...(server?.programs ?? [])]).toEqual(["sh", "dbus-daemon"]);
  expect([...(server?.files ?? [])]).toEqual([
    ["/volumes/server/lxc-overlay/upper/etc d 755", "8 1796037386.8 60"],
    ["/run/a b.sock s 777", "3 1796037386.9 0"],
  ]);
});

test("processes outside of containers are told without those that look and pvh's channels", () => {
  const { processes, files, mounts } = parseTraces(PRINTED);
  expect(processes).toEqual(["lxc-start -F -n server", "pantavisor", "pv-appengine", "sleep 60"]);
  expect(files).toEqual(["/run/pv d 755", "/tmp d 1777"]);
  expect(mounts).toEqual(["/", "/proc"]);
});
