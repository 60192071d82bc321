import { randomUUID } from "node:crypto";
import { readFile, readdir, rm, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { STATE_SPEC } from "../../broker/shared/formats/state.ts";
import { findCached, keepCached } from "../cached-file.ts";
import type { Engine, FindOptions } from "../engine/engine.ts";
import { cacheFolder } from "../engine/folders.ts";
import { PvhError } from "../errors.ts";
import { projectFacts } from "../project-facts.ts";
import type { ContainerDefinition } from "./container-definition.ts";
import { exampleNames, readContainerFolder, readExample, sharedFiles } from "./container-folder.ts";
import type { ContainerFolder, OverlayFile } from "./container-folder.ts";
import type { JsonObject } from "./json-value.ts";
import { demandSound } from "./lint-path.ts";
import { configOf, fragmentOf } from "./manifest.ts";
import { missingContainer } from "./missing-container.ts";
import { ensureLaidRoot } from "./laid-root.ts";
import type { RootOwner } from "./laid-root.ts";
import { ensureOwnRoot, imageCommand } from "./own-root.ts";
import type { OwnRoot } from "./own-root-source.ts";
import { readExport } from "./read-export.ts";
import { readRootBase } from "./root-base.ts";
import type { RootName } from "./root-base.ts";
import { ensureRoot } from "./root-squashfs.ts";
import type { RootSquashfs } from "./root-squashfs.ts";
import { sha256Of, writeExport } from "./write-export.ts";
import type { ExportContent, ObjectSource } from "./write-export.ts";

/** An example's name, the path of a folder in the examples' layout, or a definition. */
export type Wanted = string | ContainerDefinition;

/** Exports that stay in the cache, the last used ones; about 25 MB each. */
const KEEP = 40;
/** Milliseconds for which a used export stays: a run that goes on may need it. */
const IN_USE = 3 * 3600 * 1000;
const EXTENSION = ".pvrexport.tgz";

/**
 * Paths of exports that hold these containers: given files as they are (read and checked), all
 * others together in one export from the cache, so that their common root file system travels
 * to the appengine once. The second call for the same containers takes milliseconds.
 *
 * @throws PvhError PVH_BAD_EXPORT, PVH_USAGE for an unknown name, and what making them throws
 */
export async function ensureExports(
  engine: Engine,
  wanted: readonly Wanted[],
  options: FindOptions = {},
): Promise<string[]> {
  const { files, content } = await readWanted(engine, wanted, options);
  return content === undefined ? files : [await cached(content, "", options.signal), ...files];
}

/** Exports without their containers' root file systems. */
export interface LeanExports {
  /** Paths, as those of ensureExports(). */
  readonly exports: readonly string[];
  /** Root file systems of the containers, by sha256. The exports lack them. */
  readonly roots: ReadonlyMap<string, { readonly file: string }>;
}

/** Like ensureExports(), for an object store that has the containers' root file systems. */
export async function ensureLeanExports(
  engine: Engine,
  wanted: readonly Wanted[],
  options: FindOptions = {},
): Promise<LeanExports> {
  const { files, content } = await readWanted(engine, wanted, options);
  if (content === undefined) return { exports: files, roots: new Map() };
  const roots = new Map<string, { readonly file: string }>();
  const objects = new Map<string, ObjectSource>();
  for (const [sha256, source] of content.objects) {
    if (source instanceof Uint8Array) objects.set(sha256, source);
    else roots.set(sha256, source);
  }
  const lean = { fragment: content.fragment, objects };
  return { exports: [await cached(lean, "-lean", options.signal), ...files], roots };
}

/** Given files, read and checked, and the content of all other containers together. */
async function readWanted(
  engine: Engine,
  wanted: readonly Wanted[],
  options: FindOptions,
): Promise<{ readonly files: string[]; readonly content?: ExportContent }> {
  const files: string[] = [];
  const containers: Wanted[] = [];
  for (const item of wanted) {
    if (typeof item === "string" && (await isFile(item))) files.push(item);
    else containers.push(item);
  }
  const signal = options.signal ? { signal: options.signal } : {};
  for (const file of files) await readExport(file, signal);
  if (containers.length === 0) return { files };
  for (const content of await Promise.all(containers.map(find))) {
    if (content.folder !== undefined) await demandSound(content.folder, content);
  }
  return { files, content: await exportContent(engine, containers, options) };
}

/**
 * One export of all these containers, sharing objects.
 *
 * @throws PvhError PVH_USAGE for an unknown or repeated name
 */
export async function exportContent(
  engine: Engine,
  wanted: readonly Wanted[],
  options: FindOptions = {},
): Promise<ExportContent> {
  const containers = await Promise.all(wanted.map(find));
  refuseTwice(containers.map(({ definition }) => definition.name));
  const rootOf = async ({ definition, files, owner, ownRoot }: Found): Promise<RootSquashfs> => {
    if (owner === undefined) return commonRoot(engine, "examples", definition.root, options);
    if (ownRoot !== undefined) return ensureOwnRoot(engine, owner, ownRoot, files, options);
    const base = await commonRoot(engine, "own", definition.root, options);
    return ensureLaidRoot(engine, owner, { base, files }, options);
  };
  const keys: JsonObject = {};
  const objects = new Map<string, ObjectSource>();
  for (const container of containers) {
    const definition = await withCommand(engine, container.definition, container.ownRoot);
    const { module } = definition;
    const conf = module === undefined ? Buffer.from(configOf(definition)) : await readFile(module);
    const config: Record<string, string> = {};
    for (const [path, text] of Object.entries(definition.config ?? {})) {
      const bytes = Buffer.from(text);
      config[path] = sha256Of(bytes);
      objects.set(sha256Of(bytes), bytes);
    }
    objects.set(sha256Of(conf), conf);
    const root = module === undefined ? await rootOf({ ...container, definition }) : undefined;
    if (root !== undefined) objects.set(root.sha256, { file: root.path });
    Object.assign(
      keys,
      fragmentOf(definition, { conf: sha256Of(conf), root: root?.sha256, config }),
    );
  }
  const sorted = Object.entries(keys).sort(([a], [b]) => (a < b ? -1 : 1));
  return { fragment: { "#spec": STATE_SPEC, ...Object.fromEntries(sorted) }, objects };
}

async function withCommand(
  engine: Engine,
  definition: ContainerDefinition,
  source: OwnRoot | undefined,
): Promise<ContainerDefinition> {
  if (source === undefined || !("image" in source) || definition.entrypoint.length > 0) {
    return definition;
  }
  return { ...definition, entrypoint: await imageCommand(engine, source.image) };
}

function refuseTwice(names: readonly string[]): void {
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice === undefined) return;
  throw new PvhError("PVH_USAGE", `the container ${twice} is selected twice`);
}

/** A container; without an owner it shares the examples' root file system. */
interface Found extends ContainerFolder {
  readonly owner?: RootOwner;
  readonly folder?: string;
}

async function find(item: Wanted): Promise<Found> {
  if (typeof item !== "string") return { definition: item, files: [] };
  const examples = await exampleNames();
  if (examples.includes(item))
    return { definition: (await readExample(item)).definition, files: [] };
  const own = projectFacts()?.containers[item];
  if (own !== undefined) return inFolder(own);
  const missing = await missingContainer(item);
  if (missing !== undefined) throw missing;
  return inFolder(item);
}

async function inFolder(folder: string): Promise<Found> {
  const found = await readContainerFolder(folder);
  const { name } = found.definition;
  const group = `${name}-${sha256Of(Buffer.from(resolve(folder))).slice(0, 12)}`;
  return { ...found, owner: { name, group }, folder };
}

/** The root file systems of each cache; what goes into one is read once for many scenarios. */
const commonRoots = new Map<string, Promise<RootSquashfs>>();

/**
 * A root file system that containers share.
 * @param whose that of the examples, with the files of all of them, or the one below containers' own files
 */
function commonRoot(
  engine: Engine,
  whose: "examples" | "own",
  name: RootName | undefined,
  options: FindOptions,
): Promise<RootSquashfs> {
  const key = `${whose} ${name ?? ""} ${cacheFolder()}`;
  const known = commonRoots.get(key);
  if (known !== undefined) return known;
  const files = whose === "examples" ? filesOfExamples(name) : Promise.resolve([]);
  const made = files.then((more) => makeRoot(engine, more, name, options));
  commonRoots.set(key, made);
  made.catch(() => commonRoots.delete(key));
  return made;
}

/** The files of all examples with this root together, so that they share one file system. */
async function filesOfExamples(root: RootName | undefined): Promise<OverlayFile[]> {
  const folders = await Promise.all((await exampleNames()).map(readExample));
  const files = folders.flatMap(({ definition, files: own }) =>
    definition.root === root ? own : [],
  );
  const paths = new Set<string>();
  // Folders of one path are one.
  return files.filter(({ type, path }) => {
    if (type !== "folder") return true;
    const isNew = !paths.has(path);
    paths.add(path);
    return isNew;
  });
}

async function makeRoot(
  engine: Engine,
  files: readonly OverlayFile[],
  name: RootName | undefined,
  options: FindOptions,
): Promise<RootSquashfs> {
  const base = name === undefined ? undefined : await readRootBase(name);
  return ensureRoot(engine, [...(await sharedFiles()), ...files], base, options);
}

/** @param kind tells exports of the same containers with other objects apart */
async function cached(content: ExportContent, kind: string, signal?: AbortSignal): Promise<string> {
  const folder = cacheFolder("exports");
  const key = sha256Of(JSON.stringify(content.fragment)).slice(0, 16);
  const name = { folder, start: `pvh-${key}${kind}`, end: EXTENSION };
  const found = await findCached(name);
  if (found !== undefined) return found.path;
  const draft = join(folder, `${name.start}${EXTENSION}.${randomUUID()}`);
  try {
    await writeExport(draft, content, signal);
    const { path } = await keepCached(draft, name);
    await pruneExports(folder);
    return path;
  } finally {
    await rm(draft, { force: true });
  }
}

/** Remove exports beyond KEEP that were not used lately, and half-written ones of a killed pvh. */
export async function pruneExports(folder: string): Promise<void> {
  const names = (await readdir(folder)).filter((name) => name.includes(EXTENSION));
  const aged = await Promise.all(
    names.map(async (name) => {
      const path = join(folder, name);
      // Another pvh may prune at the same time.
      return {
        path,
        used: await stat(path).then(
          (s) => s.mtimeMs,
          () => 0,
        ),
      };
    }),
  );
  aged.sort((a, b) => b.used - a.used);
  const unused = aged.filter(
    ({ path, used }, place) =>
      used < Date.now() - IN_USE && (place >= KEEP || !path.endsWith(EXTENSION)),
  );
  await Promise.all(unused.map(({ path }) => rm(path, { force: true })));
}

function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (facts) => facts.isFile(),
    () => false,
  );
}
