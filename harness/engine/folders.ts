import { createHash } from "node:crypto";
import { accessSync, constants } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import { PvhError } from "../errors.ts";
import { makeFolder } from "../make-folder.ts";

/** Folder for what can be rebuilt: root filesystems and layers, by content (XDG directories). */
export function cacheFolder(...names: string[]): string {
  return join(base("XDG_CACHE_HOME", ".cache"), "pvh", ...names);
}

/**
 * Modules that Node has compiled, for a quicker start.
 * @returns undefined where no folder can be made for them: it must not be given to Node, which
 *          would try for ever below /proc
 */
export function compileCacheFolder(): string | undefined {
  try {
    const folder = cacheFolder("node");
    makeFolder(folder);
    accessSync(folder, constants.W_OK);
    return folder;
  } catch {
    return undefined;
  }
}

/** The private engine's images and containers: one for all clones of this user. */
export function engineFolder(...names: string[]): string {
  return join(base("XDG_STATE_HOME", join(".local", "state")), "pvh", "engine", ...names);
}

/**
 * Sockets and the pid file of the private engine. Not under the state folder: a socket's path
 * has 107 bytes (unix(7)), containerd adds its own to it, and /run is empty after a reboot.
 */
export function engineRunFolder(...names: string[]): string {
  const state = createHash("sha256").update(engineFolder()).digest("hex").slice(0, 8);
  return join("/run/pvh", state, ...names);
}

/** XDG variables and HOME count only when they hold an absolute path. */
function base(variable: string, fallback: string): string {
  const value = process.env[variable];
  return value?.startsWith("/") === true ? value : join(home(variable), fallback);
}

/** @throws PvhError PVH_USAGE for a user without a home */
function home(variable: string): string {
  const given = process.env["HOME"];
  if (given?.startsWith("/") === true) return given;
  try {
    return userInfo().homedir;
  } catch (cause) {
    throw new PvhError("PVH_USAGE", "HOME is not set, and this user has no entry in passwd", {
      hint: `set HOME, or ${variable}, to a folder that you may write to`,
      cause,
    });
  }
}
