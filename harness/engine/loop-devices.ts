import { execFile } from "node:child_process";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import * as z from "zod";

/** A loop device in use, and the file behind it. */
export interface LoopDevice {
  /** `/dev/loop3` */
  readonly name: string;
  readonly inode: number;
  /** `major:minor` of the file's filesystem. */
  readonly device: string;
}

const listing = z.object({
  loopdevices: z.array(
    z.object({
      name: z.string(),
      "back-ino": z.coerce.number(),
      "back-maj:min": z.string().transform((text) => text.trim()),
    }),
  ),
});

/** Loop devices in use on this machine; none when it has no losetup of util-linux. */
export async function loopDevices(): Promise<LoopDevice[]> {
  const columns = "NAME,BACK-INO,BACK-MAJ:MIN";
  const said = await run("losetup", ["--list", "--json", "--output", columns]).catch(
    () => undefined,
  );
  const text = said?.stdout.trim() ?? "";
  if (text === "") return [];
  return parseLoopDevices(text);
}

export function parseLoopDevices(json: string): LoopDevice[] {
  return listing.parse(JSON.parse(json)).loopdevices.map((item) => ({
    name: item.name,
    inode: item["back-ino"],
    device: item["back-maj:min"],
  }));
}

/**
 * Those loop devices whose file is below one of the folders.
 *
 * The name in sysfs does not tell: it is as some container sees it, and every appengine keeps
 * its files at the same place. The file's inode does.
 */
export async function loopDevicesBelow(folders: readonly string[]): Promise<LoopDevice[]> {
  const used = await loopDevices();
  if (used.length === 0) return [];
  const inodes = new Set((await Promise.all(folders.map(inodesBelow))).flat());
  return used.filter(({ device, inode }) => inodes.has(`${device} ${inode}`));
}

/** Detach those that are still in use by the same file; returns their names. */
export async function detach(devices: readonly LoopDevice[]): Promise<string[]> {
  if (devices.length === 0) return [];
  const used = await loopDevices();
  const left = devices.filter((device) =>
    used.some(({ name, inode, device: on }) => {
      return name === device.name && inode === device.inode && on === device.device;
    }),
  );
  const done = await Promise.allSettled(
    left.map(async ({ name }) => {
      await run("losetup", ["--detach", name]);
      return name;
    }),
  );
  return done.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
}

async function inodesBelow(folder: string): Promise<string[]> {
  const names = await readdir(folder, { recursive: true }).catch(() => []);
  const found = await Promise.allSettled(names.map((name) => stat(join(folder, name))));
  return found.flatMap((result) =>
    result.status === "fulfilled" && result.value.isFile()
      ? [`${majorMinor(result.value.dev)} ${result.value.ino}`]
      : [],
  );
}

/** The kernel's 32-bit dev_t as user space sees it (gnu_dev_major(3)). */
export function majorMinor(device: number): string {
  return `${(device >>> 8) & 0xfff}:${(device & 0xff) | ((device >>> 12) & 0xfff00)}`;
}

const run = promisify(execFile);
