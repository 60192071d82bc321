import { fstatSync, openSync } from "node:fs";
import { closeFd } from "../../shared/linux/epoll.ts";
import { SystemCallError } from "../../shared/linux/errno.ts";
import { O_PATH } from "../../shared/linux/openat2.ts";
import type { Quirks } from "../../shared/quirks/quirks.ts";
import type { ContainerRoot } from "./container-root.ts";

/**
 * Connect to a provider's socket without waiting. The path is resolved each time, since a provider
 * may bind it anew.
 *
 * @param path absolute path inside the provider
 * @param connect connects to the inode behind an O_PATH fd
 * @returns the result of `connect`
 * @throws SystemCallError of openat2(2) or connect(2); Error when the path is not a socket
 */
export function dialProvider(
  root: ContainerRoot,
  path: string,
  connect: (inode: number) => number,
  quirks: Quirks,
): number {
  const inode = quirks.has("raw-provider-path") ? openSync(path, O_PATH) : root.open(path, O_PATH);
  try {
    return connect(inode);
  } catch (error) {
    // connect(2) gives ECONNREFUSED for a file that is no socket, too.
    const isRefused = error instanceof SystemCallError && error.code === "ECONNREFUSED";
    if (!isRefused || fstatSync(inode).isSocket()) throw error;
    throw new Error(`the provider's ${path} is not a socket`, { cause: error });
  } finally {
    if (!quirks.has("fd-leak")) closeFd(inode);
  }
}
