import { fstatSync } from "node:fs";
import { closeFd } from "../linux/epoll.ts";
import { SystemCallError } from "../linux/errno.ts";
import { O_PATH } from "../linux/openat2.ts";
import type { Quirks } from "../quirks/quirks.ts";
import type { ContainerRoot } from "./container-root.ts";

/**
 * Connect to a provider's socket, without waiting. The path is looked up each time: a provider
 * may bind it anew.
 *
 * @param path absolute, inside the provider
 * @param connect makes the connection to the inode behind an O_PATH fd
 * @returns what `connect` does
 * @throws SystemCallError as openat2(2) and connect(2); Error when it is not a socket
 */
export function dialProvider(
  root: ContainerRoot,
  path: string,
  connect: (inode: number) => number,
  quirks: Quirks,
): number {
  const inode = root.open(path, O_PATH);
  try {
    return connect(inode);
  } catch (error) {
    // The kernel says the same of a file that is no socket as of one that nobody serves.
    const isRefused = error instanceof SystemCallError && error.code === "ECONNREFUSED";
    if (!isRefused || fstatSync(inode).isSocket()) throw error;
    throw new Error(`the provider's ${path} is not a socket`, { cause: error });
  } finally {
    if (!quirks.has("fd-leak")) closeFd(inode);
  }
}
