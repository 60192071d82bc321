import { createReadStream } from "node:fs";
import type { Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Engine, FindOptions } from "../engine/engine.ts";
import { PvhError } from "../errors.ts";
import { cachedLayer } from "../image/layer-cache.ts";
import type { CacheOptions } from "../image/layer-cache.ts";
import { ensureReferenceImage } from "../image/reference-image.ts";
import type { OverlayFile } from "./container-folder.ts";
import { runRootProgram } from "./root-program.ts";
import { keyOf, overlayTar } from "./root-squashfs.ts";
import type { RootSquashfs } from "./root-squashfs.ts";

/** A container that has a root file system of its own. */
export interface RootOwner {
  /** Its name, for people. */
  readonly name: string;
  /** Name of its part of the cache: the same for the same folder. */
  readonly group: string;
}

/** Root file systems that stay for each container, the last used ones; about 22 MB each. */
export const KEPT_ROOTS = 3;

/**
 * A tar of $1 bytes and then a squashfs on stdin; the squashfs of both leaves on stdout. A folder that
 * is there already keeps its mode, and a link to one stays a link. Same input, same bytes. It is
 * compressed in a hurry: it is made again after each change of a program.
 */
const SCRIPT = `set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
head -c "$1" >"$work/own.tar"
cat >"$work/base"
unsquashfs -quiet -no-progress -dest "$work/root" "$work/base" 1>&2
tar -x --no-overwrite-dir --keep-directory-symlink -f "$work/own.tar" -C "$work/root"
mksquashfs "$work/root" "$work/squashfs" -comp zstd -Xcompression-level 3 -all-root -all-time 0 \\
  -mkfs-time 0 -no-xattrs -no-exports -noappend -no-progress -quiet 1>&2
cat "$work/squashfs"`;

/**
 * A root file system with a container's own files laid over it, from the cache or made.
 * @throws PvhError PVH_BUILD with the programs' last words
 */
export async function ensureLaidRoot(
  engine: Engine,
  { name, group }: RootOwner,
  { base, files }: { readonly base: RootSquashfs; readonly files: readonly OverlayFile[] },
  options: FindOptions,
): Promise<RootSquashfs> {
  if (files.length === 0) return base;
  const { signal = new AbortController().signal, progress = () => undefined } = options;
  const make = (path: string): Promise<void> =>
    lay(engine, name, { base, files, path }, { signal, progress });
  const key = keyOf(base.sha256, SCRIPT, files);
  const keeping = { group, keep: KEPT_ROOTS };
  const made = await cachedLayer("own-roots", key, keeping, make, { signal, progress });
  return { path: made.path, sha256: made.digest };
}

interface Laying {
  readonly base: RootSquashfs;
  readonly files: readonly OverlayFile[];
  /** Path of the result. */
  readonly path: string;
}

async function lay(
  engine: Engine,
  name: string,
  { base, files, path }: Laying,
  options: CacheOptions,
): Promise<void> {
  const { signal } = options;
  const { ref } = await ensureReferenceImage(engine, options);
  options.progress(`laying the files of the container ${name} over its root file system`);
  const tar = await overlayTar(files);
  const program = {
    image: ref,
    argv: ["sh", "-c", SCRIPT, "lay", String(tar.length)],
    async feed(input: Writable) {
      input.write(tar);
      await pipeline(createReadStream(base.path), input, { signal });
    },
    failed: (_code: number, words: string) =>
      new PvhError("PVH_BUILD", `the container ${name} gets no root file system:\n${words}`),
    subject: ref,
  };
  await runRootProgram(engine, program, path, signal);
}
