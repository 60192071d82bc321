import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { Writable } from "node:stream";
import { pack } from "tar-stream";
import type { Engine, FindOptions } from "../engine/engine.ts";
import { PvhError } from "../errors.ts";
import { cachedLayer } from "../image/layer-cache.ts";
import type { CacheOptions } from "../image/layer-cache.ts";
import { ensurePackageImage } from "../image/package-image.ts";
import { ensureReferenceImage } from "../image/reference-image.ts";
import { readInputs } from "../image/sources.ts";
import { MAKE_ROOT } from "./container-folder.ts";
import type { OverlayFile } from "./container-folder.ts";
import type { RootBase } from "./root-base.ts";
import { runRootProgram } from "./root-program.ts";

/** A root.squashfs on this machine. */
export interface RootSquashfs {
  readonly path: string;
  readonly sha256: string;
}

/**
 * The root file system that programs of the reference image and these files make. Made once in
 * a container of that image, then found in the cache without any engine.
 *
 * @param base what it has besides: then the container's image has the packages of that, too
 * @throws PvhError PVH_BUILD with the script's last words, PVH_USAGE for two files of one path,
 *         PVH_CAPABILITY when the packages cannot be had
 */
export async function ensureRoot(
  engine: Engine,
  files: readonly OverlayFile[],
  base: RootBase | undefined,
  options: FindOptions,
): Promise<RootSquashfs> {
  refuseClashes(files);
  const { signal = new AbortController().signal, progress = () => undefined } = options;
  const script = await readFile(MAKE_ROOT, "utf8");
  const { rootfs } = await readInputs();
  const key = keyOf(rootfs, base === undefined ? script : script + JSON.stringify(base), files);
  const run = { script, base, files };
  const make = (path: string) => makeRoot(engine, run, path, { signal, progress });
  const kind = base === undefined ? "examples" : `examples-${base.name}`;
  const { path, digest } = await cachedLayer(kind, key, 4, make, { signal, progress });
  return { path, sha256: digest };
}

function refuseClashes(files: readonly OverlayFile[]): void {
  const byPath = new Map<string, OverlayFile>();
  for (const file of files.filter(({ type }) => type !== "folder")) {
    if (byPath.has(file.path)) {
      throw new PvhError("PVH_USAGE", `two files have the path /${file.path} in the containers`);
    }
    byPath.set(file.path, file);
  }
}

/** Key of a root file system in the cache: it changes with each thing that goes into it. */
export function keyOf(rootfs: string, script: string, files: readonly OverlayFile[]): string {
  const hash = createHash("sha256").update(`${rootfs}\0${script}`);
  for (const { path, type, mode, content } of files) {
    hash.update(`\0${path}\0${type} ${mode}\0${content.length}\0`).update(content);
  }
  return hash.digest("hex");
}

/** A run of make-root.sh. */
interface ScriptRun {
  readonly script: string;
  readonly base: RootBase | undefined;
  readonly files: readonly OverlayFile[];
}

async function makeRoot(
  engine: Engine,
  run: ScriptRun,
  path: string,
  options: CacheOptions,
): Promise<void> {
  const { base } = run;
  const ref =
    base === undefined
      ? (await ensureReferenceImage(engine, options)).ref
      : await ensurePackageImage(engine, base.name, base.packages, options);
  await runScript(engine, ref, run, path, options);
}

async function runScript(
  engine: Engine,
  ref: string,
  { script, base, files }: ScriptRun,
  path: string,
  options: CacheOptions,
): Promise<void> {
  options.progress("making the root file system that containers share; seconds, once");
  const more = [base?.programs ?? [], base?.paths ?? []].map((list) => list.join(" "));
  const tar = await overlayTar(files);
  const program = {
    image: ref,
    argv: ["sh", "-c", script, "make-root", ...more],
    feed(input: Writable) {
      input.end(tar);
    },
    failed: scriptFailed,
    subject: ref,
  };
  await runRootProgram(engine, program, path, options.signal);
}

function scriptFailed(code: number, words: string): PvhError {
  return new PvhError("PVH_BUILD", `make-root.sh ended with ${code} exit code:\n${words}`, {
    evidence: [MAKE_ROOT],
  });
}

/** A tar of files that are laid over a root file system. */
export async function overlayTar(files: readonly OverlayFile[]): Promise<Buffer> {
  const tar = pack();
  const mtime = new Date(0);
  for (const { path, type, mode, content } of files) {
    if (type === "file") tar.entry({ name: path, mode, mtime }, content);
    else if (type === "folder") tar.entry({ name: path, type: "directory", mode, mtime });
    else tar.entry({ name: path, type: "symlink", linkname: content.toString(), mode, mtime });
  }
  tar.finalize();
  const parts: Buffer[] = [];
  for await (const part of tar) parts.push(part as Buffer);
  return Buffer.concat(parts);
}
