import { closeSync } from "node:fs";
import { makeDirectory } from "../../shared/linux/directory-entry.ts";
import { SystemCallError } from "../../shared/linux/errno.ts";
import {
  O_DIRECTORY,
  O_NOFOLLOW,
  O_PATH,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_MAGICLINKS,
  openat2,
} from "../../shared/linux/openat2.ts";
import type { Quirks } from "../../shared/quirks/quirks.ts";
import type { Peer } from "./peer.ts";

const DIRECTORY_MODE = 0o755;

/**
 * A container's root directory, held open. Paths are resolved by the kernel as after
 * chroot(2): neither "..", nor a symlink, absolute or relative, at any component, nor a
 * magic link of /proc leads out (openat2(2), RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS), also
 * when the container changes the tree meanwhile.
 */
export class ContainerRoot implements Disposable {
  readonly #fd: number;
  readonly #isLent: boolean;
  readonly #resolve: number;

  /** @throws PeerGone */
  constructor(peer: Pick<Peer, "openRoot">, quirks: Quirks, isLent = false) {
    this.#fd = peer.openRoot();
    this.#isLent = isLent;
    this.#resolve = quirks.has("symlink-follow") ? 0 : RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  }

  /**
   * A root for frequent uses, on loan where the peer lends its root: use it at once, before
   * anything else happens.
   * @throws PeerGone
   */
  static lentBy(peer: Peer, quirks: Quirks): ContainerRoot {
    const lent = peer.lendRoot?.();
    if (lent === undefined) return new ContainerRoot(peer, quirks);
    return new ContainerRoot({ openRoot: () => lent }, quirks, true);
  }

  /**
   * @param path absolute path inside the container
   * @returns an fd that the caller owns
   * @throws SystemCallError ENOENT, ELOOP, …
   */
  open(path: string, flags: number): number {
    // Without RESOLVE_IN_ROOT a leading slash would leave the directory.
    return openat2(this.#fd, withoutSlashes(path), flags, this.#resolve);
  }

  /**
   * Open the directory that holds `target`, and make missing ones on the way (mode 0755), one
   * component at a time.
   *
   * A container can make a path slow to resolve (4,095 bytes, 40 symlinks of that length). So the
   * whole path is tried first, and only if a component is missing a few more times to find which.
   *
   * @returns an O_PATH fd that the caller owns, and the path's last component
   */
  openParent(target: string): { directory: number; name: string } {
    const parts = target.split("/").filter((part) => part !== "" && part !== ".");
    const name = parts.pop() ?? "";
    return { directory: this.#openFirst(parts) ?? this.#make(parts), name };
  }

  [Symbol.dispose](): void {
    if (!this.#isLent) closeSync(this.#fd);
  }

  /** @returns the directory with this path; undefined when there is none */
  #openFirst(parts: readonly string[]): number | undefined {
    try {
      return this.open(`/${parts.join("/")}`, O_PATH | O_DIRECTORY);
    } catch (error) {
      if (error instanceof SystemCallError && error.code === "ENOENT") return undefined;
      throw error;
    }
  }

  #make(parts: readonly string[]): number {
    const depth = this.#depthOf(parts);
    let directory = this.open(`/${parts.slice(0, depth).join("/")}`, O_PATH | O_DIRECTORY);
    for (const part of parts.slice(depth)) {
      const parent = directory;
      try {
        directory = makeAndOpen(parent, part);
      } finally {
        closeSync(parent);
      }
    }
    return directory;
  }

  /** The number of components that exist, by bisection: all below a missing one are missing too. */
  #depthOf(parts: readonly string[]): number {
    let [found, missing] = [0, parts.length];
    while (missing - found > 1) {
      const middle = found + Math.floor((missing - found) / 2);
      const directory = this.#openFirst(parts.slice(0, middle));
      if (directory === undefined) missing = middle;
      else {
        closeSync(directory);
        found = middle;
      }
    }
    return found;
  }
}

function makeAndOpen(parent: number, name: string): number {
  let taken: unknown;
  try {
    makeDirectory(parent, name, DIRECTORY_MODE);
  } catch (error) {
    // EEXIST: the container has made it meanwhile, or it is a symlink that leads nowhere.
    if (!(error instanceof SystemCallError) || error.code !== "EEXIST") throw error;
    taken = error;
  }
  try {
    return openat2(parent, name, O_PATH | O_DIRECTORY | O_NOFOLLOW, RESOLVE_IN_ROOT);
  } catch (error) {
    throw taken ?? error;
  }
}

/** The path without leading slashes, relative to the root. */
function withoutSlashes(path: string): string {
  let start = 0;
  while (path.startsWith("/", start)) start += 1;
  return path.slice(start) || ".";
}
