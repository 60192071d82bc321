import { createReadStream } from "node:fs";
import { open, stat } from "node:fs/promises";
import { basename } from "node:path";
import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import tar from "tar-stream";
import type { QuirkName } from "../../broker/shared/quirks/names.ts";
import * as z from "zod";
import type { Engine, FindOptions } from "../engine/engine.ts";
import { engineError } from "../engine/engine-error.ts";
import { PvhError } from "../errors.ts";
import { imageIdOf } from "./image-facts.ts";
import { loadArchive } from "./load-stream.ts";

export interface LoadedImage {
  /** Reference of the image on the engine: its first tag, or its id when it has none. */
  readonly ref: string;
  readonly tags: readonly string[];
  readonly id: string;
  /** False when the engine had it already. */
  readonly loaded: boolean;
}

const manifestSchema = z
  .array(z.object({ Config: z.string(), RepoTags: z.array(z.string()).nullish() }))
  .min(1);

/**
 * Load what `docker save` wrote, plain or gzipped. An image whose tags name this configuration
 * on the engine already is not sent again.
 *
 * @throws PvhError PVH_BAD_IMAGE for a file that is missing, truncated or no image; PVH_ENGINE
 */
export async function loadImageTarball(
  engine: Engine,
  path: string,
  { signal, progress, quirks = [] }: FindOptions & { readonly quirks?: readonly string[] } = {},
): Promise<LoadedImage> {
  const manifest = await readManifest(path, signal);
  const { tags } = manifest;
  const mistaken = quirks.includes("image-bad-config" satisfies QuirkName);
  const digest = mistaken ? `sha256:${"0".repeat(64)}` : manifest.digest;
  const known = await Promise.all(tags.map((tag) => imageIdOf(engine, tag)));
  if (known.length > 0 && known.every((id) => id === digest)) {
    return { ref: tags[0] ?? digest, tags, id: digest, loaded: false };
  }
  const { size } = await stat(path);
  progress?.(`loading ${basename(path)} into the engine (${Math.round(size / 1e6)} MB)`);
  // The engine unpacks gzip itself.
  const file = createReadStream(path);
  const stop = () => file.destroy(new Error("aborted"));
  signal?.addEventListener("abort", stop);
  const { references, error } = await loadArchive(engine, file)
    .catch((cause: unknown) => {
      if (signal?.aborted === true)
        throw new PvhError("PVH_ABORTED", `cancelled: loading ${path}`, { cause });
      throw engineError(cause, path);
    })
    .finally(() => signal?.removeEventListener("abort", stop));
  if (error !== undefined) {
    const failure = engineError(new Error(error), path);
    throw failure.code === "PVH_NO_SPACE" ? failure : badImage(path, error);
  }
  const ref = tags[0] ?? references[0] ?? digest;
  const id = await imageIdOf(engine, ref);
  if (id === undefined)
    throw new PvhError("PVH_ENGINE", `the engine does not have ${ref} after loading ${path}`);
  return { ref, tags, id, loaded: true };
}

/** manifest.json of the archive: it comes last in what Docker writes, so all of it is read. */
async function readManifest(
  path: string,
  signal?: AbortSignal,
): Promise<{ tags: string[]; digest: string }> {
  let manifest: string | undefined;
  const extract = tar.extract();
  extract.on("entry", (header, body, next) => {
    // The extraction reports the same error, and it is handled there.
    body.once("end", next).on("error", () => undefined);
    if (header.name !== "manifest.json" || header.size > 1 << 20) body.resume();
    else
      void text(body).then(
        (content) => (manifest = content),
        () => undefined,
      );
  });
  try {
    // Opening a pipe would wait for a writer, and a pipe cannot be read a second time.
    if (!(await stat(path)).isFile()) throw new Error("it is not a regular file");
    const unpack = (await isGzip(path)) ? createGunzip() : new PassThrough();
    await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), unpack, extract, {
      ...(signal && { signal }),
    });
    if (manifest === undefined) throw new Error("it has no manifest.json");
    const first = manifestSchema.parse(JSON.parse(manifest))[0];
    const digest = /([0-9a-f]{64})(?:\.json)?$/.exec(first?.Config ?? "")?.[1];
    if (digest === undefined) throw new Error("its manifest.json names no configuration");
    return { tags: first?.RepoTags ?? [], digest: `sha256:${digest}` };
  } catch (error) {
    if (signal?.aborted === true) {
      throw new PvhError("PVH_ABORTED", `cancelled: reading ${path}`, { cause: error });
    }
    throw badImage(path, error instanceof z.ZodError ? "its manifest.json is malformed" : error);
  }
}

async function isGzip(path: string): Promise<boolean> {
  await using file = await open(path);
  const { buffer, bytesRead } = await file.read(Buffer.alloc(2), 0, 2, 0);
  return bytesRead === 2 && buffer.readUInt16BE() === 0x1f8b;
}

function badImage(path: string, error: unknown): PvhError {
  const why = error instanceof Error ? error.message : String(error);
  return new PvhError("PVH_BAD_IMAGE", `${path} cannot be loaded: ${why}`, {
    hint: "give a tarball as docker save writes it",
    cause: error,
  });
}
