import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { Readable } from "node:stream";
import type { Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { engineError, isNotFound } from "../engine/engine-error.ts";
import type { Engine, FindOptions } from "../engine/engine.ts";
import { shownAddress } from "../engine/engine.ts";
import { entryPointOf } from "../engine/entry-point.ts";
import { withTemporaryContainer } from "../engine/temporary-container.ts";
import { PvhError } from "../errors.ts";
import { cachedLayer } from "../image/layer-cache.ts";
import type { CacheOptions } from "../image/layer-cache.ts";
import { ensureReferenceImage } from "../image/reference-image.ts";
import { makeRootfs } from "../image/rootfs.ts";
import { rootfsKey } from "../image/sources.ts";
import type { OverlayFile } from "./container-folder.ts";
import type { OwnRoot } from "./own-root-source.ts";
import { KEPT_ROOTS } from "./laid-root.ts";
import type { RootOwner } from "./laid-root.ts";
import { runRootProgram } from "./root-program.ts";
import { keyOf, overlayTar } from "./root-squashfs.ts";
import type { RootSquashfs } from "./root-squashfs.ts";

/**
 * The root file system of Debian packages, of a tarball (plain or gzipped), or of an image on the engine,
 * with the container's own files laid over it.
 *
 * @throws PvhError PVH_USAGE for a tarball that cannot be read, PVH_IMAGE_MISSING, PVH_BUILD
 */
export async function ensureOwnRoot(
  engine: Engine,
  owner: RootOwner,
  source: OwnRoot,
  files: readonly OverlayFile[],
  options: FindOptions,
): Promise<RootSquashfs> {
  const { signal = new AbortController().signal, progress = () => undefined } = options;
  const key = keyOf(await identityOf(engine, source), SCRIPT, files);
  const make = (path: string): Promise<void> =>
    squash(engine, { owner, source, files }, path, { signal, progress });
  const keeping = { group: owner.group, keep: KEPT_ROOTS };
  const { path, digest } = await cachedLayer("own-roots", key, keeping, make, { signal, progress });
  return { path, sha256: digest };
}

/** Command of an image, for a container that has none of its own. @throws PvhError */
export async function imageCommand(engine: Engine, image: string): Promise<string[]> {
  const { Config } = await inspected(engine, image);
  const words = entryPointOf(Config);
  if (words[0]?.startsWith("/") === true) return words;
  throw new PvhError("PVH_USAGE", `the image ${image} has no command with an absolute path`, {
    hint: 'name it in container.json: "entrypoint": ["/usr/bin/…"]',
  });
}

async function identityOf(engine: Engine, source: OwnRoot): Promise<string> {
  if ("packages" in source) return rootfsKey([...source.packages].sort());
  if ("image" in source) return (await inspected(engine, source.image)).Id;
  const hash = createHash("sha256");
  await pipeline(createReadStream(source.tarball), hash).catch((error: unknown) => {
    throw unreadable(source.tarball, error);
  });
  return hash.digest("hex");
}

async function inspected(
  engine: Engine,
  image: string,
): Promise<{ readonly Id: string; readonly Config: object }> {
  try {
    return await engine.docker.getImage(image).inspect();
  } catch (error) {
    if (!isNotFound(error)) throw engineError(error, image);
    const message = `the image ${image}, which a container's container.json names, is not on the engine at ${shownAddress(engine)}`;
    throw new PvhError("PVH_IMAGE_MISSING", message, {
      hint: `docker build --tag ${image} FOLDER, or docker load, on that engine`,
      cause: error,
    });
  }
}

/** The files' tar of $1 bytes and the base's on stdin; the squashfs leaves on stdout. Same input, same bytes. */
const SCRIPT = `set -eu
work=$(mktemp -d)
mkdir -p "$work/root"
head -c "$1" >"$work/own.tar"
tar -xi --numeric-owner --exclude='dev/*' --exclude='./dev/*' -C "$work/root"
tar -x --numeric-owner --no-overwrite-dir --keep-directory-symlink -f "$work/own.tar" -C "$work/root"
cd "$work/root"
mkdir -p dev proc sys run tmp etc
mksquashfs "$work/root" "$work/squashfs" -comp zstd -Xcompression-level 12 -all-time 0 \
  -mkfs-time 0 -no-xattrs -no-exports -noappend -no-progress -quiet 1>&2
cat "$work/squashfs"
rm -rf "$work"`;

interface Squashing {
  readonly owner: RootOwner;
  readonly source: OwnRoot;
  readonly files: readonly OverlayFile[];
}

async function squash(
  engine: Engine,
  { owner, source, files }: Squashing,
  path: string,
  options: CacheOptions,
): Promise<void> {
  const { ref } = await ensureReferenceImage(engine, options);
  options.progress(
    `making the root file system of the container ${owner.name} from ${describe(source)}; once`,
  );
  const tar = await overlayTar(files);
  const what = describe(source);
  const { signal } = options;
  const program = {
    image: ref,
    argv: ["sh", "-c", SCRIPT, "squash", String(tar.length)],
    async feed(input: Writable) {
      input.write(tar);
      await withBase(engine, source, options, (base) => pipeline(base, input, { signal }));
    },
    failed: (_code: number, words: string) =>
      new PvhError("PVH_BUILD", `${what} makes no root file system:\n${words}`),
    subject: what,
  };
  await runRootProgram(engine, program, path, signal);
}

/** Gives the tar of the base. */
async function withBase(
  engine: Engine,
  source: OwnRoot,
  options: CacheOptions,
  use: (base: Readable) => Promise<void>,
): Promise<void> {
  if ("tarball" in source) return use(await tarOf(source.tarball));
  if ("packages" in source) {
    const packages = [...source.packages].sort();
    const key = await rootfsKey(packages);
    const make = (path: string): Promise<void> => makeRootfs(engine, packages, path, options);
    const keeping = { group: key.slice(0, 16), keep: 1 };
    const { path } = await cachedLayer("rootfs-own", key, keeping, make, options);
    return use(createReadStream(path));
  }
  // Created and never started: its file system can be read all the same.
  const still = { Image: source.image, Entrypoint: ["/"] };
  await withTemporaryContainer(engine, still, async (container) =>
    use(Readable.from(await container.export())),
  );
}

async function tarOf(path: string): Promise<Readable> {
  const file = await open(path).catch((error: unknown) => {
    throw unreadable(path, error);
  });
  const { buffer } = await file.read(Buffer.alloc(2), 0, 2, 0);
  await file.close();
  const stream = createReadStream(path);
  return buffer.readUInt16BE() === 0x1f8b ? stream.pipe(createGunzip()) : stream;
}

function unreadable(path: string, cause: unknown): PvhError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new PvhError("PVH_USAGE", `the tarball ${path} cannot be read: ${why}`, { cause });
}

function describe(source: OwnRoot): string {
  if ("image" in source) return `the image ${source.image}`;
  if ("tarball" in source) return `the tarball ${source.tarball}`;
  return `the Debian packages ${source.packages.join(" ")}`;
}
