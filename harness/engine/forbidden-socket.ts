import { readFileSync, statSync } from "node:fs";
import { PvhError } from "../errors.ts";

export function isForbidden(error: unknown): boolean {
  return error instanceof Error && error.message.includes("EACCES");
}

/** A socket that is there, and for the members of its group alone. */
export function forbidden(path: string, cause: unknown): PvhError {
  const group = groupOf(path);
  const whose = group === undefined ? "" : `: it is for the group ${group}`;
  const user = process.env["USER"];
  const message = `${user ?? "this user"} may not use the Docker engine's socket ${path}${whose}`;
  const hint =
    group === undefined
      ? `ls -l ${path}`
      : `sudo usermod -aG ${group} ${user ?? "$USER"}, then log in again`;
  return new PvhError("PVH_NO_ACCESS", message, { hint, cause });
}

/** @returns undefined where the socket or the name of its group cannot be seen */
function groupOf(path: string): string | undefined {
  try {
    const { gid } = statSync(path);
    const groups = readFileSync("/etc/group", "utf8").split("\n");
    return groups.find((line) => line.split(":")[2] === String(gid))?.split(":")[0];
  } catch {
    return undefined;
  }
}
