import { spawn } from "node:child_process";
import { dirname } from "node:path";
import { once } from "node:events";
import { PvhError } from "../errors.ts";
import { makeFolder } from "../make-folder.ts";
import { findProgram } from "./programs.ts";

/**
 * Run `body` while holding an exclusive flock(2) on `path`, among all processes of this machine.
 *
 * Node has no flock, so flock(1) holds it for us, as long as its stdin stays open: the kernel
 * closes that when pvh dies, however it dies, so no stale lock is ever left behind.
 *
 * @param onWait told once when somebody else holds the lock
 * @throws PvhError PVH_ABORTED when the signal fires while waiting
 */
export async function withFileLock<T>(
  path: string,
  body: () => Promise<T>,
  options: { readonly signal?: AbortSignal; readonly onWait?: () => void } = {},
): Promise<T> {
  makeFolder(dirname(path));
  const flock = findProgram("flock");
  if (flock === undefined) {
    throw new PvhError("PVH_CAPABILITY", "flock is missing on this machine", {
      hint: "apt-get install -y util-linux",
    });
  }
  const holder = spawn(flock, [path, "sh", "-c", "echo locked; cat"], {
    stdio: ["pipe", "pipe", "inherit"],
    // Ctrl+C in a terminal goes to the whole process group: the lock must outlive our clean-up.
    detached: true,
  });
  const exited = new Promise<"exited">((resolve, reject) => {
    holder.once("exit", () => resolve("exited"));
    holder.once("error", reject);
  });
  exited.catch(() => undefined);
  const waiting = setTimeout(() => options.onWait?.(), 300);
  const stop = () => holder.kill();
  options.signal?.addEventListener("abort", stop);
  try {
    if (options.signal?.aborted === true) stop();
    const locked = once(holder.stdout, "data").then(() => "locked" as const);
    if ((await Promise.race([locked, exited])) === "exited") {
      throw options.signal?.aborted === true
        ? new PvhError("PVH_ABORTED", `cancelled while waiting for the lock ${path}`)
        : new PvhError("PVH_ENGINE", `flock cannot lock ${path}`);
    }
    options.signal?.removeEventListener("abort", stop);
    clearTimeout(waiting);
    return await body();
  } finally {
    clearTimeout(waiting);
    options.signal?.removeEventListener("abort", stop);
    holder.stdin.end();
    await exited.catch(() => undefined);
  }
}
