import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import { askProgram } from "./ask-program.ts";

/** A loop device in use, and the file behind it. */
export interface LoopDevice {
  /** `/dev/loop3` */
  readonly name: string;
  readonly inode: number;
  /** `major:minor` of the file's filesystem. */
  readonly device: string;
}

const listing = z.object({ loopdevices: z.array(z.unknown()) });

/** util-linux before 2.35 prints numbers as strings. */
const row = z.object({
  name: z.string().regex(/^\/dev\/loop[^/]/),
  "back-ino": z.union([z.number(), z.string().regex(/^\s*\d+\s*$/)]).transform(Number),
  "back-maj:min": z
    .string()
    .transform((text) => text.trim())
    .pipe(z.string().regex(/^\d+:\d+$/)),
});

/** Files of a volume that are looked at; an appengine's has some thousand. */
const MOST_FILES = 200_000;

/** Loop devices in use on this machine; none when it has no losetup of util-linux. */
export async function loopDevices(): Promise<LoopDevice[]> {
  const columns = "NAME,BACK-INO,BACK-MAJ:MIN";
  const said = await askProgram("losetup", ["--list", "--json", "--output", columns]);
  return parseLoopDevices(said ?? "");
}

/**
 * Most rows are other people's: one that lacks something, as that of a device which is just
 * being let go or has no node in /dev, is no device of ours.
 */
export function parseLoopDevices(json: string): LoopDevice[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(json);
  } catch {
    return [];
  }
  const rows = listing.safeParse(parsed).data?.loopdevices ?? [];
  return rows.flatMap((item) => {
    const { data } = row.safeParse(item);
    if (data === undefined) return [];
    return [{ name: data.name, inode: data["back-ino"], device: data["back-maj:min"] }];
  });
}

/**
 * Those loop devices whose file is below one of the folders.
 *
 * Files are compared by inode. The name in sysfs is no use: it is the path as some container
 * sees it, and every appengine keeps its files at the same path.
 */
export async function loopDevicesBelow(folders: readonly string[]): Promise<LoopDevice[]> {
  if (folders.length === 0) return [];
  const used = await loopDevices();
  if (used.length === 0) return [];
  const devices = new Set(used.map(({ device }) => device));
  const inodes = new Set((await Promise.all(folders.map((f) => inodesBelow(f, devices)))).flat());
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
  const done = await Promise.all(
    left.map(async ({ name }) =>
      (await askProgram("losetup", ["--detach", name])) === undefined ? [] : [name],
    ),
  );
  return done.flat();
}

/**
 * Inodes of the files below a folder, if the files behind loop devices are on its filesystem.
 * Symbolic links are not followed: a container made them, and they may lead to a file behind a
 * loop device of the machine.
 */
async function inodesBelow(folder: string, devices: ReadonlySet<string>): Promise<string[]> {
  const on = await lstat(folder).catch(() => undefined);
  if (on?.isDirectory() !== true || !devices.has(majorMinor(on.dev))) return [];
  const found: string[] = [];
  const folders = [folder];
  for (let path = folders.pop(); path !== undefined; path = folders.pop()) {
    const entries = await readdir(path, { withFileTypes: true }).catch(() => []);
    for (const entry of entries) {
      const below = join(path, entry.name);
      if (entry.isDirectory()) folders.push(below);
      if (!entry.isFile()) continue;
      const facts = await lstat(below).catch(() => undefined);
      if (facts?.isFile() === true && facts.dev === on.dev) {
        found.push(`${majorMinor(facts.dev)} ${facts.ino}`);
      }
      if (found.length > MOST_FILES) return found;
    }
  }
  return found;
}

/** The kernel's 32-bit dev_t as user space sees it (gnu_dev_major(3)). */
export function majorMinor(device: number): string {
  return `${(device >>> 8) & 0xfff}:${(device & 0xff) | ((device >>> 12) & 0xfff00)}`;
}
