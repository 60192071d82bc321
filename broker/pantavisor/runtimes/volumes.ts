import { existsSync, mkdirSync, readFileSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import type { RunManifest } from "../../shared/formats/run-manifest.ts";
import { attachLoop } from "../../shared/linux/loop.ts";
import { MountFlag, mount, unmount } from "../../shared/linux/mount.ts";
import type { Quirks } from "../../shared/quirks/quirks.ts";
import { mountStorage } from "./storage-volumes.ts";

/**
 * The mounts of a container below /volumes/<name>: its images (squashfs over a loop device)
 * and its writable volumes.
 */
export interface VolumePlan {
  readonly name: string;
  readonly run: RunManifest;
  /** trails/<revision> */
  readonly revisionFolder: string;
  readonly revision: string;
  readonly storage: string;
  /** /volumes */
  readonly volumes: string;
  readonly loopIndexBase: number | undefined;
  readonly quirks: Quirks;
}

/** @throws Error or SystemCallError naming the volume; what was mounted is then unmounted */
export function mountVolumes(plan: VolumePlan): void {
  const folder = join(plan.volumes, plan.name);
  try {
    const images = [plan.run["root-volume"], ...plan.run.volumes].flatMap((one) => one ?? []);
    const names = images.map(imageName);
    for (const name of names) mountImage(plan, name, join(folder, name));
    const { name, revision, storage, quirks } = plan;
    const volumes = plan.run.storage;
    mountStorage({ name, volumes, revision, storage, folder, taken: names, quirks });
  } catch (error) {
    unmountBelow(folder);
    throw error;
  }
}

/** Unmount everything below a folder, innermost first. */
export function unmountBelow(folder: string): void {
  for (const target of mountsBelow(folder, readFileSync("/proc/self/mountinfo", "utf8"))) {
    unmount(target);
    removeMountPoint(target);
  }
}

/** A folder that stays would be taken for the volume when the next start has none of this name. */
function removeMountPoint(target: string): void {
  try {
    rmdirSync(target);
  } catch {
    // Another mount lies below it, or it is the place of a file.
  }
}

/**
 * Mount points below a folder, in the order in which they can be unmounted.
 * @param mountinfo text of /proc/self/mountinfo; spaces and the like are octal there (proc(5))
 */
export function mountsBelow(folder: string, mountinfo: string): string[] {
  return mountinfo
    .split("\n")
    .map((line) => line.split(" ")[4] ?? "")
    .map((path) =>
      path.replace(/\\([0-7]{3})/g, (_, digits: string) =>
        String.fromCharCode(Number.parseInt(digits, 8)),
      ),
    )
    .filter((path) => path.startsWith(`${folder}/`))
    .reverse();
}

/** The file of an image: `dm:` in front asks for a verification that the appengine does not do. */
export function imageName(volume: string): string {
  return volume.replace(/^dm:/, "");
}

function mountImage(plan: VolumePlan, volume: string, target: string): void {
  if (!/^[A-Za-z0-9_-][A-Za-z0-9_.-]*$/.test(volume)) {
    throw new Error(`volume ${JSON.stringify(volume)} is not a file name`);
  }
  const image = join(plan.revisionFolder, plan.name, volume);
  if (!existsSync(image)) throw new Error(`volume ${volume}: ${image} is missing`);
  mkdirSync(target, { recursive: true });
  using device = attachLoop(image, plan.loopIndexBase);
  mount({ source: device.path, target, type: "squashfs", flags: MountFlag.readOnly });
}
