import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import { $ } from "zx";
import { cacheFolder } from "../engine/folders.ts";
import { findProgram } from "../engine/programs.ts";
import { PvhError } from "../errors.ts";

const SOURCES = join(import.meta.dirname, "load");
const NAMES = [
  "unix-load",
  "unix-relay",
  "http-load",
  "dbus-load",
  "wayland-load",
  "fd-relay",
  "input-load",
] as const;
export type LoadProgram = (typeof NAMES)[number];
/** Paths of the compiled programs. */
export type LoadPrograms = Readonly<Record<LoadProgram, string>>;

/**
 * Compile the providers, load generators and the least relay, once per version of their sources.
 * They are C: ratios to a direct connection mean nothing where the load is slower than what it
 * measures, and a Node generator is slower than most of the anchors.
 *
 * @returns their paths
 * @throws PvhError PVH_CAPABILITY without a C compiler
 */
export async function loadPrograms(): Promise<LoadPrograms> {
  const compiler = findProgram("cc");
  const sources = await Promise.all(
    ["common.h", "relay.h", ...NAMES.map((name) => `${name}.c`)].map((name) =>
      readFile(join(SOURCES, name)),
    ),
  );
  const hash = createHash("sha256").update(Buffer.concat(sources)).digest("hex").slice(0, 16);
  const folder = cacheFolder("bench", `${hash}-${process.arch}`);
  await mkdir(folder, { recursive: true });
  const paths = await Promise.all(
    NAMES.map(async (name) => {
      const path = join(folder, name);
      if (!existsSync(path)) await compile(compiler, join(SOURCES, `${name}.c`), path);
      return [name, path] as const;
    }),
  );
  return Object.fromEntries(paths) as LoadPrograms;
}

async function compile(compiler: string | undefined, source: string, path: string): Promise<void> {
  const hint = "apt-get install -y --no-install-recommends gcc libc6-dev";
  if (compiler === undefined) {
    throw new PvhError("PVH_CAPABILITY", "no C compiler (cc) for the load generators", { hint });
  }
  const unfinished = `${path}.${process.pid}`;
  try {
    await $({ quiet: true })`${compiler} -O2 -o ${unfinished} ${source}`;
  } catch (error) {
    throw new PvhError("PVH_CAPABILITY", `${compiler} cannot compile ${source}`, {
      hint,
      cause: error,
    });
  }
  await rename(unfinished, path);
}
