import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { RunManifest } from "../formats/run-manifest.ts";
import { attachLoop } from "../linux/loop.ts";
import { MountFlag, mount, unmount } from "../linux/mount.ts";

/**
 * The mounts of a container below /volumes/<name>: its images (squashfs over a loop device)
 * and the writable folder of its overlay.
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
}

/** The volume that holds what a container writes, whatever its type. */
export const OVERLAY = "lxc-overlay";

/** @throws Error or SystemCallError naming the volume; what was mounted is then unmounted */
export function mountVolumes(plan: VolumePlan): void {
  const folder = join(plan.volumes, plan.name);
  try {
    for (const volume of [plan.run["root-volume"], ...plan.run.volumes]) {
      if (volume !== undefined) mountImage(plan, volume, join(folder, volume));
    }
    mountWritable(plan, join(folder, OVERLAY));
  } catch (error) {
    unmountBelow(folder);
    throw error;
  }
}

/** Unmount everything below a folder, innermost first. */
export function unmountBelow(folder: string): void {
  for (const target of mountsBelow(folder, readFileSync("/proc/self/mountinfo", "utf8"))) {
    unmount(target);
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

/**
 * `lxc-overlay/upper`, living as long as its persistence says (docs/pantavisor.md §1.3): `boot` in
 * memory, `revision` with the revision, `permanent` for ever.
 */
function mountWritable(plan: VolumePlan, target: string): void {
  const persistence = plan.run.storage[OVERLAY]?.persistence ?? "boot";
  mkdirSync(target, { recursive: true });
  if (persistence === "permanent" || persistence === "revision") {
    const scope = persistence === "permanent" ? "perm" : join("rev", plan.revision);
    const source = join(plan.storage, "disks", scope, plan.name, OVERLAY);
    mkdirSync(source, { recursive: true });
    mount({ source, target, flags: MountFlag.bind });
  } else {
    mount({ source: "none", target, type: "tmpfs", data: "mode=755" });
  }
  mkdirSync(join(target, "upper"), { recursive: true });
}
