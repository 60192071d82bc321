import { readFile } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import { PvhError } from "../errors.ts";
import { PROJECT } from "../image/sources.ts";

const FOLDER = join(PROJECT, "containers/examples/roots");

/** Root file systems beside the common one, by the name of their file. */
export const ROOT_NAMES = ["wayland"] as const;
export type RootName = (typeof ROOT_NAMES)[number];

/** Additions of a root file system to what every root has. */
export interface RootBase {
  readonly name: RootName;
  /** Debian packages that the reference image does not have. */
  readonly packages: readonly string[];
  /** Programs of them, with the libraries that they link to. */
  readonly programs: readonly string[];
  /** Files and folders of them, as patterns of the shell. */
  readonly paths: readonly string[];
}

const word = z.string().regex(/^[A-Za-z0-9+./*_-]+$/);
const schema = z.strictObject({
  packages: z.array(word),
  programs: z.array(word),
  paths: z.array(word),
});

/** @throws PvhError PVH_USAGE for a file that cannot be read */
export async function readRootBase(name: RootName): Promise<RootBase> {
  const path = join(FOLDER, `${name}.json`);
  try {
    return { name, ...schema.parse(JSON.parse(await readFile(path, "utf8"))) };
  } catch (cause) {
    throw new PvhError("PVH_USAGE", `${path} cannot be read`, { cause });
  }
}
