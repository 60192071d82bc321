import { release, tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import {
  checkCapabilities,
  checkCgroups,
  checkDisk,
  checkFilesystem,
  checkLoop,
} from "./machine-checks.ts";
import type { ReadText } from "./machine-checks.ts";

const machine =
  (files: Record<string, string>): ReadText =>
  (path) =>
    files[path] ?? "";

test("the cgroup mode is told by what is mounted", () => {
  const v1 = "cgroup /sys/fs/cgroup/cpu cgroup rw 0 0";
  const v2 = "cgroup2 /sys/fs/cgroup cgroup2 rw 0 0";
  const found = (mounts: string) =>
    checkCgroups(
      machine({
        "/proc/self/mounts": mounts,
        "/proc/filesystems": "nodev\tcgroup\nnodev\tcgroup2\n",
      }),
    ).found;
  expect(found(v2)).toBe("v2");
  expect(found(v1)).toBe("v1");
  expect(found(`${v1}\n${v2}`)).toBe("v1 and v2 (hybrid)");
});

test("a kernel without cgroup2 is a problem", () => {
  expect(checkCgroups(machine({ "/proc/filesystems": "nodev\tcgroup\n" })).ok).toBe(false);
});

test("a bounding set may lack what an appengine does not need", () => {
  expect(checkCapabilities(["SYS_RESOURCE"]).ok).toBe(true);
  expect(checkCapabilities(["SYS_RESOURCE", "SYS_ADMIN"])).toMatchObject({
    ok: false,
    means: "appengines cannot work without SYS_ADMIN",
  });
});

test("a filesystem is there when built in or loadable, and a problem otherwise", () => {
  const dep = `/lib/modules/${release()}/modules.dep`;
  const at = (files: Record<string, string>) => checkFilesystem("squashfs", machine(files)).ok;
  expect(at({ "/proc/filesystems": "nodev\tproc\n\tsquashfs\n" })).toBe(true);
  expect(at({ [dep]: "kernel/fs/squashfs/squashfs.ko.xz:" })).toBe(true);
  expect(at({ "/proc/filesystems": "nodev\tproc\n" })).toBe(false);
});

test("the loop driver is looked for among block devices", () => {
  expect(checkLoop(machine({ "/proc/devices": "Block devices:\n  7 loop\n" })).ok).toBe(true);
  expect(checkLoop(machine({ "/proc/devices": "Block devices:\n  8 sd\n" })).ok).toBe(false);
});

const FOLDER = join(tmpdir(), "not-made-yet/pvh");

test("a folder that cannot be made is a problem, with the reason", () => {
  expect(checkDisk("disk", "/etc/passwd/.cache/pvh", 1, 2)).toMatchObject({
    ok: false,
    found: expect.stringContaining("/etc/passwd is not a folder") as string,
  });
});

test("too little disk names the folder and what is needed", () => {
  expect(checkDisk("disk", FOLDER, 2e9, 1e9)).toMatchObject({
    ok: false,
    found: `1.0 GB free at ${FOLDER}`,
    means: "pvh needs about 2.0 GB there",
  });
  expect(checkDisk("disk", FOLDER, 1e9, 2e9).ok).toBe(true);
});
