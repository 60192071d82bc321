import { join } from "node:path";
import type { StorageVolume } from "../../shared/formats/run-manifest.ts";
import { MountFlag, mount } from "../../shared/linux/mount.ts";
import type { Quirks } from "../../shared/quirks/quirks.ts";
import { folderBeneath } from "./beneath.ts";

/** The volume that holds what a container writes to its root, whatever its type. */
export const OVERLAY = "lxc-overlay";

/** Writable volumes of a container to mount, and the container that they belong to. */
export interface StoragePlan {
  readonly name: string;
  /** `storage` of its run.json. */
  readonly volumes: Readonly<Record<string, StorageVolume>>;
  readonly revision: string;
  /** Root of the storage, whose `disks` keep what lives longer than a start. */
  readonly storage: string;
  /** /volumes/<name>, where no volume is mounted that has one of these names already. */
  readonly folder: string;
  readonly taken: readonly string[];
  readonly quirks: Quirks;
}

/**
 * Mount the writable volumes of a container below /volumes/<name>. How long they keep what is
 * written is their persistence:
 *
 * - `permanent`: disks/perm/<name>/<volume>, for ever
 * - `revision`: disks/rev/<revision>/<name>/<volume>, with the revision
 * - `boot`, and any word that is not known: in memory, until the container stops
 *
 * A volume without persistence is none. Folders that are made belong to root and have mode 0755;
 * what is in memory is 1777, as a file system in memory is made.
 * @throws Error naming the volume
 */
export function mountStorage(plan: StoragePlan): void {
  const { volumes, quirks } = plan;
  const overlay: StorageVolume = { persistence: "boot" };
  for (const [volume, { persistence, disk }] of Object.entries({
    [OVERLAY]: overlay,
    ...volumes,
  })) {
    if (quirks.has("storage-overlay-only") && volume !== OVERLAY) continue;
    if (persistence === undefined && volume !== OVERLAY) continue;
    if (disk !== undefined) {
      throw new Error(`volume '${volume}' requires disk '${disk}' which was not found`);
    }
    if (plan.taken.includes(volume)) throw new Error(`volume '${volume}' is an image too`);
    try {
      mountOne(plan, volume, quirks.has("storage-forgotten") ? "boot" : persistence);
    } catch (cause) {
      throw new Error(`volume '${volume}': ${(cause as Error).message}`, { cause });
    }
  }
}

function mountOne(plan: StoragePlan, volume: string, persistence: string | undefined): void {
  const target = join(plan.folder, volume);
  folderBeneath(plan.folder, [volume])[Symbol.dispose]();
  const scope = scopeOf(plan, persistence);
  if (scope === undefined) {
    const data = volume === OVERLAY ? "mode=755" : "mode=1777";
    mount({ source: "none", target, type: "tmpfs", data });
  } else {
    using source = folderBeneath(join(plan.storage, "disks"), [...scope, plan.name, volume]);
    mount({ source: source.path, target, flags: MountFlag.bind });
  }
  if (volume !== OVERLAY) return;
  // A container that has this volume in its root as well can put a link there.
  for (const part of ["upper", "work"]) folderBeneath(target, [part])[Symbol.dispose]();
}

/** Path segments below `disks`; undefined for a volume in memory. */
function scopeOf(plan: StoragePlan, persistence: string | undefined): string[] | undefined {
  if (persistence === "permanent") return ["perm"];
  return persistence === "revision" ? ["rev", ...plan.revision.split("/")] : undefined;
}
