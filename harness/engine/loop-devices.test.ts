import { chmod, lstat, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, expect, test, vi } from "vitest";
import {
  detach,
  loopDevices,
  loopDevicesBelow,
  majorMinor,
  parseLoopDevices,
} from "./loop-devices.ts";

afterEach(() => vi.unstubAllEnvs());

/** A machine whose losetup is this script; `calls` has a line for each call. */
async function withLosetup(script: string) {
  const folder = await mkdtemp(join(tmpdir(), "pvh-"));
  const calls = join(folder, "calls");
  const bin = join(folder, "bin");
  await mkdir(bin);
  await writeFile(join(bin, "losetup"), `#!/bin/sh\necho "$*" >>"${calls}"\n${script}\n`);
  await chmod(join(bin, "losetup"), 0o755);
  vi.stubEnv("PATH", `${bin}:/usr/bin:/bin`);
  return {
    folder,
    calls: async () => (await readFile(calls, "utf8")).trim().split("\n"),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

const ours = { name: "/dev/loop1", inode: 16064856, device: "254:0" };

test("losetup's list is read, padding and all", () => {
  const json = `{"loopdevices": [{"name":"/dev/loop1", "back-ino":16064856, "back-maj:min":"254:0  "}]}`;
  expect(parseLoopDevices(json)).toEqual([ours]);
});

test.each([
  ["in run-down", { name: "/dev/loop0", "back-ino": null, "back-maj:min": null }],
  ["with an inode and no filesystem", { name: "/dev/loop0", "back-ino": 7, "back-maj:min": null }],
  ["without an inode", { name: "/dev/loop0", "back-ino": null, "back-maj:min": "254:0" }],
  ["without a node in /dev", { name: null, "back-ino": 7, "back-maj:min": "254:0" }],
  ["with an empty inode", { name: "/dev/loop0", "back-ino": "", "back-maj:min": "254:0" }],
  ["that is a word", "loop0"],
  ["that is null", null],
  ["of another tool", { device: "/dev/loop0" }],
  ["whose name is an option", { name: "-D", "back-ino": 7, "back-maj:min": "254:0" }],
])("a row %s is passed over, and the others are read", (_what, foreign) => {
  const good = { name: "/dev/loop1", "back-ino": "16064856", "back-maj:min": "254:0" };
  expect(parseLoopDevices(JSON.stringify({ loopdevices: [foreign, good, foreign] }))).toEqual([
    ours,
  ]);
});

test.each(["", "losetup: invalid option -- J", "[]", "null", "{}", '{"loopdevices": null}', "{"])(
  "the list %j has no devices",
  (text) => expect(parseLoopDevices(text)).toEqual([]),
);

test("whatever a losetup prints, its devices are complete", () => {
  fc.assert(
    fc.property(fc.array(fc.anything()), fc.json(), (rows, json) => {
      const text = JSON.stringify({ loopdevices: rows }, (_key, value: unknown) =>
        typeof value === "bigint" ? Number(value) : value,
      );
      for (const device of [...parseLoopDevices(text), ...parseLoopDevices(json)]) {
        expect(device.name).toMatch(/^\/dev\/loop/);
        expect(device.inode).toBeGreaterThanOrEqual(0);
        expect(device.device).toMatch(/^\d+:\d+$/);
      }
    }),
  );
});

test("a thousand foreign devices are listed", async () => {
  const rows = Array.from({ length: 1000 }, (_, at) => ({
    name: `/dev/loop${at}`,
    "back-ino": at % 3 === 0 ? null : at,
    "back-maj:min": "254:0",
  }));
  const json = JSON.stringify({ loopdevices: rows });
  await using machine = await withLosetup(`cat <<'END'\n${json}\nEND`);
  expect(await loopDevices()).toHaveLength(666);
  expect(await machine.calls()).toHaveLength(1);
});

test.each([
  ["prints nonsense", "echo what; echo why >&2"],
  ["does not know the options", "echo 'losetup: unrecognized option: list' >&2; exit 1"],
  ["is killed", "kill -9 $$"],
  ["prints without end", "exec yes"],
])("a losetup that %s finds no devices", async (_what, script) => {
  await using machine = await withLosetup(script);
  expect(await loopDevices()).toEqual([]);
  expect(await machine.calls()).toHaveLength(1);
});

test("a losetup that does not end is not waited for, and neither are its children", async () => {
  await using machine = await withLosetup("sleep 60 & wait");
  expect(await loopDevices()).toEqual([]);
  expect(await machine.calls()).toHaveLength(1);
}, 20_000);

test("losetup is not called when there is no volume to look into", async () => {
  await using machine = await withLosetup("echo '{}'");
  expect(await loopDevicesBelow([])).toEqual([]);
  expect(await detach([])).toEqual([]);
  await expect(machine.calls()).rejects.toThrow("ENOENT");
});

test("only a volume's own files count, not what its links lead to", async () => {
  await using machine = await withLosetup(`cat "$(dirname "$0")/../list"`);
  const { folder } = machine;
  const volume = join(folder, "volume");
  await mkdir(join(volume, "objects"), { recursive: true });
  await mkdir(join(folder, "host"));
  await writeFile(join(volume, "objects/root.squashfs"), "");
  await writeFile(join(folder, "host/disk.img"), "");
  await symlink(join(folder, "host/disk.img"), join(volume, "disk.img"));
  await symlink(join(folder, "host"), join(volume, "host"));
  const rows = await Promise.all(
    [join(volume, "objects/root.squashfs"), join(folder, "host/disk.img")].map(async (path, at) => {
      const { dev, ino } = await lstat(path);
      return { name: `/dev/loop${at}`, "back-ino": ino, "back-maj:min": majorMinor(dev) };
    }),
  );
  await writeFile(join(folder, "list"), JSON.stringify({ loopdevices: rows }));
  const found = await loopDevicesBelow([volume, join(folder, "nothing-there")]);
  expect(found.map(({ name }) => name)).toEqual(["/dev/loop0"]);
});

test("device numbers read as the kernel writes them", () => {
  expect(majorMinor(65024)).toBe("254:0");
  expect(majorMinor(0x45)).toBe("0:69");
  expect(majorMinor(0x12345)).toBe("291:69");
  expect(majorMinor(0x100fe01)).toBe("254:4097");
});
