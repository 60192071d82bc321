import { PvhError } from "./errors.ts";

const NO_ROOM = ["ENOSPC", "EDQUOT", "EROFS"];
/** These are the disk's fault only where they are about a file. */
const OF_A_FILE = ["EACCES", "EPERM", "ENOTDIR", "EMFILE", "ENFILE", "EIO"];

/**
 * Refusal of the file system as a PvhError that blames the machine.
 * @returns undefined for any other error
 */
export function machineError(error: unknown): PvhError | undefined {
  if (error instanceof PvhError || !(error instanceof Error)) return undefined;
  const { code = "", path, syscall = "" } = error as NodeJS.ErrnoException;
  if (syscall === "uv_cwd") {
    return new PvhError("PVH_USAGE", "the working directory no longer exists", {
      hint: "cd to an existing folder",
      cause: error,
    });
  }
  if (code === "ENOENT" && ["mkdir", "mkdtemp"].includes(syscall)) return noSpace(error);
  const refused = NO_ROOM.includes(code) || (OF_A_FILE.includes(code) && path !== undefined);
  if (!refused) return undefined;
  return noSpace(error);
}

function noSpace(error: Error): PvhError {
  return new PvhError("PVH_NO_SPACE", error.message, {
    hint: "pvh doctor shows the disks; HOME, XDG_CACHE_HOME, XDG_STATE_HOME and TMPDIR move what pvh keeps",
    cause: error,
  });
}
