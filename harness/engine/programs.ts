import { accessSync, constants } from "node:fs";
import { join } from "node:path";

/** PATH with the folders of system programs, which a user's PATH may lack. */
export const SYSTEM_PATH = `${process.env["PATH"] ?? ""}:/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin`;

/** @returns the path of a program of this machine, or undefined */
export function findProgram(name: string): string | undefined {
  return SYSTEM_PATH.split(":")
    .map((folder) => join(folder, name))
    .find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
