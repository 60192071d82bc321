import { stat } from "node:fs/promises";
import * as z from "zod";
import type { Engine, FindOptions } from "../engine/engine.ts";
import { engineError, isNotFound } from "../engine/engine-error.ts";
import { OWN_TOOLS, TOOLS_LABEL } from "../engine/labels.ts";
import { PvhError } from "../errors.ts";
import { pinnedNode } from "../package-folder.ts";
import { dockerArchive } from "./docker-archive.ts";
import { writeLayer } from "./layer.ts";
import type { CacheOptions, Layer } from "./layer-cache.ts";
import { cachedLayer } from "./layer-cache.ts";
import { makeImage } from "./load-stream.ts";
import { programFiles } from "./program-layer.ts";
import { makeRootfs } from "./rootfs.ts";
import type { Inputs } from "./sources.ts";
import { readInputs, readMains, readPackages } from "./sources.ts";

export interface ReferenceImage {
  /** Names exactly this content; another clone's build does not move it. */
  readonly ref: string;
  readonly id: string;
  /** Hash of everything the image is made from. */
  readonly content: string;
  /** False when the engine had it already. */
  readonly loaded: boolean;
}

/** Repository of all images that pvh makes; those that nobody used for a day are removed. */
export const REFERENCE_REPOSITORY = "pvh-appengine";
/** The last one built on this engine, for use by hand. */
export const REFERENCE_TAG = `${REFERENCE_REPOSITORY}:reference`;
/** The last bare one built on this engine, for use by hand. */
export const BARE_TAG = `${REFERENCE_REPOSITORY}:bare`;
/** Repository of the images that pvh has put its tools into. */
export const EQUIPPED_REPOSITORY = "pvh-equipped";
export const CONTENT_LABEL = "pvh.content";

/**
 * The reference appengine's image, made and loaded when the engine does not have this content.
 *
 * @throws PvhError PVH_BUILD, PVH_NO_SPACE, PVH_ENGINE, PVH_ABORTED
 */
export async function ensureReferenceImage(
  engine: Engine,
  options: FindOptions = {},
): Promise<ReferenceImage> {
  const inputs = await readInputs();
  const ref = `${REFERENCE_REPOSITORY}:${inputs.content.slice(0, 12)}`;
  const there = await useImage(engine, ref, CONTENT_LABEL, inputs.content);
  if (there !== undefined) return { ref, id: there, content: inputs.content, loaded: false };

  const { signal = new AbortController().signal, progress = () => undefined } = options;
  const begun = performance.now();
  const seconds = () => ((performance.now() - begun) / 1000).toFixed(1);
  const timed: CacheOptions = { signal, progress: (line) => progress(`[${seconds()} s] ${line}`) };
  const layers = await makeLayers(engine, inputs, timed);
  await load(engine, [REFERENCE_TAG, ref], inputs.content, layers, timed);
  const id = await useImage(engine, ref, CONTENT_LABEL, inputs.content);
  if (id === undefined)
    throw new PvhError("PVH_ENGINE", `the engine does not have the image ${ref} after loading it`);
  await removeUnused(engine);
  timed.progress(`image ${ref} is ready`);
  return { ref, id, content: inputs.content, loaded: true };
}

/** The layer of Debian packages, made when it is not in the cache. */
export async function rootfsLayer(
  engine: Engine,
  inputs: Inputs,
  options: CacheOptions,
): Promise<Layer> {
  return cachedLayer(
    "rootfs",
    inputs.rootfs,
    2,
    async (path) => makeRootfs(engine, await readPackages(), path, options),
    options,
  );
}

async function makeLayers(engine: Engine, inputs: Inputs, options: CacheOptions): Promise<Layer[]> {
  return [
    await rootfsLayer(engine, inputs, options),
    await nodeLayer(inputs, options),
    await programLayer(inputs, options),
  ];
}

/** The layer of the pinned Node. */
export async function nodeLayer(inputs: Inputs, options: CacheOptions): Promise<Layer> {
  return cachedLayer(
    "node",
    inputs.node,
    2,
    async (path) => {
      options.progress(`packing Node ${process.version}`);
      const file = pinnedNode();
      const { size } = await stat(file);
      await writeLayer(path, [
        { path: "usr/lib/pvh/node", executable: true, content: { file, size } },
      ]);
    },
    options,
  );
}

/** The layer of the reference Pantavisor's programs. */
export async function programLayer(inputs: Inputs, options: CacheOptions): Promise<Layer> {
  return cachedLayer(
    "program",
    inputs.program,
    8,
    async (path) => {
      const mains = await readMains();
      options.progress(`bundling ${mains.size} programs of the reference Pantavisor`);
      await writeLayer(path, await programFiles(mains));
    },
    options,
  );
}

async function load(
  engine: Engine,
  tags: readonly string[],
  content: string,
  layers: readonly Layer[],
  { progress, signal }: CacheOptions,
): Promise<void> {
  const archive = dockerArchive(
    tags,
    {
      architecture: process.arch === "x64" ? "amd64" : process.arch,
      entrypoint: ["/usr/bin/pv-appengine"],
      environment: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
      stopSignal: "SIGTERM",
      labels: { [CONTENT_LABEL]: content, [TOOLS_LABEL]: OWN_TOOLS },
    },
    layers,
  );
  progress(`loading the image into the engine (${Math.round(archive.size / 1e6)} MB)`);
  const stream = archive.stream();
  const names = { doing: "loading the image", subject: "the reference image" };
  await makeImage(stream, engine.docker.loadImage(stream, { quiet: true }), signal, names);
}

/**
 * Tag the image once more, so that its LastTagTime says when it was used: loading leaves it at
 * zero.
 * @param label the one of its labels that says what its content is
 * @returns undefined when the engine has no such image, or one with other content
 */
export async function useImage(
  engine: Engine,
  ref: string,
  label: string,
  content: string,
): Promise<string | undefined> {
  const image = engine.docker.getImage(ref);
  const [repo = "", tag = ""] = ref.split(":");
  try {
    const { Config, Id } = inspected.parse(await image.inspect());
    if (Config.Labels?.[label] !== content) return undefined;
    await image.tag({ repo, tag });
    return Id;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw engineError(error, ref);
  }
}

/**
 * Remove images of earlier contents, which pile up while the broker is worked on. An image that a
 * run may boot again was used within the last day; one without a time is just being loaded by
 * another pvh.
 */
export async function removeUnused(engine: Engine): Promise<void> {
  const yesterday = Date.now() - 24 * 3600 * 1000;
  const reference = [REFERENCE_REPOSITORY, EQUIPPED_REPOSITORY];
  const images = await engine.docker.listImages({ filters: { reference } });
  const tags = images.flatMap((image) => image.RepoTags ?? []);
  await Promise.allSettled(
    tags.map(async (tag) => {
      if (tag === REFERENCE_TAG || tag === BARE_TAG) return;
      const image = engine.docker.getImage(tag);
      const { Metadata } = inspected.parse(await image.inspect());
      const used = Date.parse(Metadata?.LastTagTime ?? "");
      if (used > 0 && used < yesterday) await image.remove();
    }),
  );
}

/** Fields of an image that pvh reads; the types of dockerode are older than the engines. */
const inspected = z.object({
  Id: z.string(),
  Config: z.object({ Labels: z.record(z.string(), z.string()).nullish() }),
  Metadata: z.object({ LastTagTime: z.string() }).optional(),
});
