/** Words in which pv-ctrl says that the disk is full. */
export const NO_ROOM = "Not enough disk space available";

/** True when the disk, or our quota of it, is full (write(2)). */
export function isNoRoom(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === "ENOSPC" || code === "EDQUOT";
}

/** Do what can be done without: on a full disk it stays undone. */
export function ifRoom(act: () => void): void {
  try {
    act();
  } catch (error) {
    if (!isNoRoom(error)) throw error;
  }
}
