import { statSync } from "node:fs";
import { join } from "node:path";
import type { Checkout } from "./checkout.ts";

/** A file that a build has deployed. */
export interface Deployed {
  /** Path in the checkout. */
  readonly path: string;
  readonly machine: string;
  /** False for an empty file and for a link to nothing. */
  readonly isWhole: boolean;
  /** Milliseconds since the epoch; 0 where it cannot be told. */
  readonly changed: number;
}

/** Image tarballs of builds, the newest first: `…/deploy/images/MACHINE/pantavisor-appengine-docker.tar`. */
export function imageTarballs(checkout: Checkout): Deployed[] {
  return deployed(checkout, /^pantavisor-appengine-(?:(?:[\d.]+|latest)-)?docker\.tar(?:\.gz)?$/);
}

/**
 * Exports of builds: `…/deploy/images/MACHINE/NAME.pvrexport.tgz`, and in the former layout
 * `…/deploy/pvrexports/NAME/*.pvrexport.tgz`.
 */
export function deployedExports(checkout: Checkout): Deployed[] {
  const former = buildFolders(checkout).flatMap((build) =>
    checkout
      .names(`${build}/deploy/pvrexports`)
      .flatMap((name) =>
        facts(
          checkout,
          `${build}/deploy/pvrexports/${name}`,
          "",
          checkout.names(`${build}/deploy/pvrexports/${name}`).filter(isExport),
        ),
      ),
  );
  return [...deployed(checkout, /\.pvrexport\.(?:tgz|tar\.gz)$/), ...former].sort(newestFirst);
}

function deployed(checkout: Checkout, pattern: RegExp): Deployed[] {
  return buildFolders(checkout)
    .flatMap((build) =>
      checkout.names(`${build}/deploy/images`).flatMap((machine) => {
        const folder = `${build}/deploy/images/${machine}`;
        const names = checkout.names(folder).filter((name) => pattern.test(name));
        return facts(checkout, folder, machine, names);
      }),
    )
    .sort(newestFirst);
}

/** Yocto's TMPDIR: `build/tmp-scarthgap`, in older checkouts `build/tmp`. */
function buildFolders(checkout: Checkout): string[] {
  return checkout
    .names("build")
    .filter((name) => /^tmp(-|$)/.test(name))
    .map((name) => `build/${name}`);
}

function isExport(name: string): boolean {
  return /\.pvrexport\.(?:tgz|tar\.gz)$/.test(name);
}

function facts(
  checkout: Checkout,
  folder: string,
  machine: string,
  names: readonly string[],
): Deployed[] {
  return names.map((name) => {
    const path = `${folder}/${name}`;
    // A link out of the checkout is no file of this build.
    const found = checkout.has(path)
      ? statSync(join(checkout.root, path), { throwIfNoEntry: false })
      : undefined;
    const isWhole = found?.isFile() === true && found.size > 0;
    return { path, machine, isWhole, changed: found?.mtimeMs ?? 0 };
  });
}

function newestFirst(one: Deployed, other: Deployed): number {
  return other.changed - one.changed || (one.path < other.path ? -1 : 1);
}
