import {
  chmodSync,
  constants,
  copyFileSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  rmSync,
} from "node:fs";
import { join } from "node:path";

/** Made for files of text; whatever is larger belongs into an image. */
const MAX_BYTES = 64 * 1024 * 1024;
const MAX_FILES = 10_000;

/**
 * The files that a state lays over a container's root: `_config/<name>/etc/x` is `/etc/x` there.
 * They are copied, because the revision that they come from may be removed while the container
 * runs on, and become a read-only layer between the container's image and what it writes.
 *
 * Files belong to root and have mode 0644, folders 0755. As a layer they replace what the image
 * has at their path, also a folder or a symbolic link, and never what a link leads to.
 * @param revisionFolder trails/<revision>
 * @param configs        folder for the copies of all containers
 * @returns the copy; undefined when there is nothing to lay over
 * @throws Error for more than 64 MiB or 10,000 files, or what is neither file nor folder
 */
export function copyConfig(
  revisionFolder: string,
  configs: string,
  name: string,
): string | undefined {
  const target = removeConfig(configs, name);
  const source = join(revisionFolder, "_config", name);
  if (lstatSync(source, { throwIfNoEntry: false }) === undefined) return undefined;
  const left = { bytes: MAX_BYTES, files: MAX_FILES };
  mkdirSync(configs, { recursive: true, mode: 0o755 });
  for (const folder of [join(revisionFolder, "_config"), source]) refuseLink(folder);
  copyFolder(source, target, left);
  return target;
}

/** @returns where the copy was */
export function removeConfig(configs: string, name: string): string {
  const target = join(configs, name);
  rmSync(target, { recursive: true, force: true });
  return target;
}

function copyFolder(from: string, to: string, left: { bytes: number; files: number }): void {
  mkdirSync(to);
  chmodSync(to, 0o755);
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) copyFolder(source, target, left);
    else if (entry.isFile()) copyFile(source, target, left);
    else throw new Error(`${source} is neither a file nor a folder`);
  }
}

function copyFile(from: string, to: string, left: { bytes: number; files: number }): void {
  left.bytes -= lstatSync(from).size;
  left.files -= 1;
  if (left.bytes < 0) throw new Error(`its _config is larger than ${MAX_BYTES} bytes`);
  if (left.files < 0) throw new Error(`its _config has more than ${MAX_FILES} files`);
  copyFileSync(from, to, constants.COPYFILE_EXCL);
  chmodSync(to, 0o644);
}

function refuseLink(folder: string): void {
  if (!lstatSync(folder).isDirectory()) throw new Error(`${folder} is not a folder`);
}
