import { closeSync, mkdirSync, openSync } from "node:fs";
import { makeDirectory } from "../../shared/linux/directory-entry.ts";
import {
  O_DIRECTORY,
  O_NOFOLLOW,
  O_PATH,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_MAGICLINKS,
  openat2,
} from "../../shared/linux/openat2.ts";

/** A folder that is held open, so that whoever renames it or puts a link in its place is late. */
export interface HeldFolder extends Disposable {
  readonly fd: number;
  /** A path that leads to this folder, whatever its name leads to by now. */
  readonly path: string;
}

/**
 * Open a folder below a root, making missing ones with mode 0755. Containers may have written
 * there, so no step follows a symbolic link or leaves the root.
 * @param segments names, none of them empty, `.` or `..`
 * @throws Error naming the step that is not a folder
 */
export function folderBeneath(root: string, segments: readonly string[]): HeldFolder {
  mkdirSync(root, { recursive: true });
  let fd = openSync(root, O_PATH | O_DIRECTORY);
  try {
    for (const [index, name] of segments.entries()) {
      const below = step(fd, name, [root, ...segments.slice(0, index + 1)].join("/"));
      closeSync(fd);
      fd = below;
    }
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  return { fd, path: `/proc/self/fd/${fd}`, [Symbol.dispose]: () => closeSync(fd) };
}

function step(folder: number, name: string, path: string): number {
  try {
    makeDirectory(folder, name, 0o755);
  } catch (error) {
    if ((error as { code?: string }).code !== "EEXIST") throw error;
  }
  try {
    const flags = O_PATH | O_DIRECTORY | O_NOFOLLOW;
    return openat2(folder, name, flags, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
  } catch (cause) {
    throw new Error(`${path} is not a folder`, { cause });
  }
}
