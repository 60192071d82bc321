import { accessSync, constants, lstatSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { PvhError } from "../errors.ts";
import { makeFolder } from "../make-folder.ts";

/** Where `--junit` wants the report to be. */
export class JunitFile {
  readonly #path: string;

  /**
   * Make its folder, and remove the report of an earlier run: CI must not take it for this one's.
   * @throws PvhError PVH_USAGE before anything runs when it cannot be written there
   */
  constructor(path: string) {
    this.#path = path;
    try {
      const facts = lstatSync(path, { throwIfNoEntry: false });
      if (facts?.isDirectory() === true) throw new Error("it is a folder");
      makeFolder(dirname(path));
      accessSync(facts === undefined ? dirname(path) : path, constants.W_OK);
      if (facts?.isFile() === true) rmSync(path);
    } catch (cause) {
      throw this.#refused(cause, "name a file in a folder that you may write to");
    }
  }

  /** @throws PvhError PVH_USAGE saying where the report is instead */
  fill(report: string): void {
    try {
      // No copyfile: when that fails it unlinks its target, /dev/null or a pipe among them (libuv).
      writeFileSync(this.#path, readFileSync(report));
    } catch (cause) {
      throw this.#refused(cause, `the report is ${report}`);
    }
  }

  #refused(cause: unknown, hint: string): PvhError {
    const why = cause instanceof Error ? cause.message : String(cause);
    return new PvhError("PVH_USAGE", `--junit ${this.#path} cannot be written: ${why}`, {
      hint,
      cause,
    });
  }
}
