import { closeSync } from "node:fs";
import { makeDirectory } from "../linux/directory-entry.ts";
import { SystemCallError } from "../linux/errno.ts";
import {
  O_DIRECTORY,
  O_PATH,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_MAGICLINKS,
  openat2,
} from "../linux/openat2.ts";
import type { Quirks } from "../quirks/quirks.ts";
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
   * The same for what is done often, where the peer lends its root: to be used at once, before
   * anything else happens.
   * @throws PeerGone
   */
  static lentBy(peer: Peer, quirks: Quirks): ContainerRoot {
    const lent = peer.lendRoot?.();
    if (lent === undefined) return new ContainerRoot(peer, quirks);
    return new ContainerRoot({ openRoot: () => lent }, quirks, true);
  }

  /**
   * @param path absolute, inside the container
   * @returns an fd that the caller owns
   * @throws SystemCallError ENOENT, ELOOP, …
   */
  open(path: string, flags: number): number {
    // With RESOLVE_IN_ROOT a leading slash would mean the same.
    return openat2(this.#fd, withoutSlashes(path), flags, this.#resolve);
  }

  /**
   * Open the directory that holds `target`, making what is missing on the way (mode 0755),
   * one component at a time.
   * @returns an O_PATH fd that the caller owns, and the last component
   */
  openParent(target: string): { directory: number; name: string } {
    const parts = target.split("/").filter((part) => part !== "" && part !== ".");
    const name = parts.pop() ?? "";
    let directory = this.open("/", O_PATH | O_DIRECTORY);
    for (let depth = 1; depth <= parts.length; depth += 1) {
      const parent = directory;
      try {
        directory = this.#openOrMake(parent, parts.slice(0, depth));
      } finally {
        closeSync(parent);
      }
    }
    return { directory, name };
  }

  [Symbol.dispose](): void {
    if (!this.#isLent) closeSync(this.#fd);
  }

  #openOrMake(parent: number, parts: readonly string[]): number {
    // Resolved from the root each time, so that an absolute symlink on the way is
    // understood; a symlink that leads nowhere makes mkdirat fail with EEXIST.
    const path = `/${parts.join("/")}`;
    try {
      return this.open(path, O_PATH | O_DIRECTORY);
    } catch (error) {
      if (!(error instanceof SystemCallError) || error.code !== "ENOENT") throw error;
    }
    makeDirectory(parent, parts.at(-1) ?? "", DIRECTORY_MODE);
    return this.open(path, O_PATH | O_DIRECTORY);
  }
}

/** Relative to the root. */
function withoutSlashes(path: string): string {
  let start = 0;
  while (path.startsWith("/", start)) start += 1;
  return path.slice(start) || ".";
}
