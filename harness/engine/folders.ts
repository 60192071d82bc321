import { createHash } from "node:crypto";
import { homedir } from "node:os";
import { join } from "node:path";

/** What can be made again: root filesystems and layers, kept by content (XDG base directories). */
export function cacheFolder(...names: string[]): string {
  return join(base("XDG_CACHE_HOME", ".cache"), "pvh", ...names);
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

/** XDG variables count only when they hold an absolute path. */
function base(variable: string, fallback: string): string {
  const value = process.env[variable];
  return value?.startsWith("/") === true ? value : join(homedir(), fallback);
}
