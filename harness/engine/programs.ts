import { accessSync, constants } from "node:fs";
import { join } from "node:path";

/** PATH with the folders of system programs, which a user's PATH may lack. */
export function systemPath(): string {
  const given = process.env["PATH"] ?? "";
  const standard = "/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin";
  // An empty entry would be the working directory.
  return given === "" ? standard : `${given}:${standard}`;
}

/** The same, as it was when pvh started. */
export const SYSTEM_PATH = systemPath();

/** @returns the path of a program of this machine, or undefined */
export function findProgram(name: string): string | undefined {
  return systemPath()
    .split(":")
    .filter((folder) => folder.startsWith("/"))
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
