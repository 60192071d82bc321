import { execFile } from "node:child_process";
import { within } from "../within.ts";
import { findProgram, systemPath } from "./programs.ts";

/** Bytes of an answer; losetup lists 20,000 devices in them. */
const LONGEST = 4 << 20;

/**
 * Run a program of this machine and return what it prints.
 *
 * @param patience milliseconds after which it is killed
 * @returns undefined where it is missing, fails, prints too much or does not end
 */
export async function askProgram(
  name: string,
  args: readonly string[],
  patience = 5_000,
): Promise<string | undefined> {
  const path = findProgram(name);
  if (path === undefined) return undefined;
  const limits = { timeout: patience, killSignal: "SIGKILL", maxBuffer: LONGEST } as const;
  const said = new Promise<string | undefined>((resolve) => {
    const env = { ...process.env, PATH: systemPath(), LC_ALL: "C" };
    const child = execFile(path, args, { ...limits, env, cwd: "/" }, (error, stdout) =>
      resolve(error === null ? stdout : undefined),
    );
    child.unref();
  });
  // A killed program that waits for a device goes on waiting, and its children hold the pipe.
  return within(AbortSignal.timeout(patience + 500), said).catch(() => undefined);
}
