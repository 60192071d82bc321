import { PvhError } from "./errors.ts";

/**
 * For what only root can do, before anything of it has begun.
 * @param what completes "… needs root, because …"
 * @param command that does it as root
 * @throws PvhError PVH_CAPABILITY for any other user
 */
export function needRoot(what: string, because: string, command: string): void {
  if (process.getuid?.() === 0) return;
  throw new PvhError("PVH_CAPABILITY", `${what} needs root, because ${because}`, {
    hint: `sudo ${command}`,
  });
}
