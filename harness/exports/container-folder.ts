import { lstat, readFile, readdir, readlink, stat } from "node:fs/promises";
import { basename, join, relative, resolve } from "node:path";
import * as z from "zod";
import { parseUntrusted } from "../../broker/shared/formats/json-depth.ts";
import { SAFE_NAME } from "../../broker/shared/formats/names.ts";
import { PvhError } from "../errors.ts";
import { PROJECT } from "../image/sources.ts";
import { didYouMean } from "../near-names.ts";
import { shownPath } from "../shown-path.ts";
import type { ContainerDefinition } from "./container-definition.ts";
import { EXAMPLES } from "./container-exists.ts";
import type { JsonObject, JsonValue } from "./json-value.ts";
import { placeOf, placeOfMistake } from "./json-place.ts";
import { ARGUMENTS, MODULE_NAME } from "./manifest.ts";
import { ownRootSource } from "./own-root-source.ts";
import type { OwnRoot } from "./own-root-source.ts";
import { ROOT_NAMES } from "./root-base.ts";

/** A file, link or folder that is laid over a root file system; `path` without the leading slash. */
export interface OverlayFile {
  readonly path: string;
  readonly type: "file" | "link" | "folder";
  /** Permission bits, those of setuid and its like among them. */
  readonly mode: number;
  /** Content of a file, target of a link; empty for a folder. */
  readonly content: Buffer;
}

/** A container as a folder: its definition and its own files. */
export interface ContainerFolder {
  readonly definition: ContainerDefinition;
  /** Its own root file system; absent: the shared one. */
  readonly ownRoot?: OwnRoot;
  readonly files: readonly OverlayFile[];
}

const SHARED = join(EXAMPLES, "shared");
/** Python package of the programs that scenarios run in the containers. */
const PROBES = join(PROJECT, "containers/probes");
const PYTHON_PACKAGES = "usr/lib/python3/dist-packages";

/** Path of the script that makes a root file system inside the reference image. */
export const MAKE_ROOT = join(SHARED, "make-root.sh");

export async function exampleNames(): Promise<string[]> {
  const entries = await readdir(EXAMPLES);
  return entries.filter((name) => name.startsWith("pv-example-")).sort();
}

export function readExample(name: string): Promise<ContainerFolder> {
  return readContainerFolder(join(EXAMPLES, name));
}

/** Files that every root file system gets: accounts, the shell library, idle, and `probes`. */
export async function sharedFiles(): Promise<OverlayFile[]> {
  const probes = await probesPackage();
  return [
    ...(await filesBelow(join(SHARED, "rootfs"))),
    ...probes.map((file) => ({ ...file, path: join(PYTHON_PACKAGES, file.path) })),
  ];
}

/** Files of the Python package `probes`, by their path below a folder of Python packages. */
export async function probesPackage(): Promise<OverlayFile[]> {
  const files = await filesBelow(PROBES);
  return files
    .filter(({ path }) => path.endsWith(".py"))
    .map((file) => ({ ...file, path: join("probes", file.path) }));
}

const json: z.ZodType<JsonValue> = z.json();
const persistence = z.enum(["boot", "revision", "permanent"]);
const containerJson = z.strictObject({
  group: z.string().default("root"),
  entrypoint: z.tuple([z.string().startsWith("/")], z.string()).optional(),
  persistence: z.record(z.string(), persistence).optional(),
  volumes: z.record(z.string().startsWith("/"), persistence).optional(),
  signed: z.boolean().optional(),
  root: z.enum(ROOT_NAMES).optional(),
  rootfs: ownRootSource.optional(),
});
/** An argument that pvh would drop could be a restriction. */
const argsJson = z.record(z.string(), json).superRefine((args, context) => {
  const keys = Object.keys(args).filter((key) => !ARGUMENTS.includes(key));
  if (keys.length > 0) context.addIssue({ code: "unrecognized_keys", keys, input: args });
});
/** A module has no command: its arguments stand in args.json. */
const guestJson = containerJson.extend({ entrypoint: z.tuple([]).optional() });

/** An image may bring the command, nothing else does. */
function hasCommand(
  { entrypoint, rootfs }: z.output<typeof containerJson>,
  context: z.RefinementCtx,
): void {
  if (entrypoint !== undefined || (rootfs !== undefined && "image" in rootfs)) return;
  context.addIssue({
    code: "custom",
    path: ["entrypoint"],
    message: "expected the command's words",
  });
}

/**
 * Read a folder in the layout of containers/examples/README.md.
 *
 * @throws PvhError PVH_USAGE naming the file that is missing or wrong
 */
export async function readContainerFolder(folder: string): Promise<ContainerFolder> {
  const name = basename(resolve(folder));
  if (!SAFE_NAME.test(name)) {
    throw new PvhError("PVH_USAGE", `the folder's name ${JSON.stringify(name)} is not usable`, {
      hint: "it becomes the container's: use 1 to 64 of A-Z a-z 0-9 _ . -",
    });
  }
  // Read the files in a fixed order, so that the same fault is always named first.
  const module = join(folder, MODULE_NAME);
  const isGuest = await isFile(module);
  const file = join(folder, "container.json");
  const keys = Object.keys(containerJson.shape);
  const container = isGuest
    ? await readJson(file, guestJson, keys)
    : await readJson(file, containerJson.superRefine(hasCommand), keys);
  const args = await readJson(join(folder, "args.json"), argsJson, ARGUMENTS);
  const services = await readJson(join(folder, "services.json"), json).catch(absent);
  const files = await filesBelow(join(folder, "rootfs"));
  const config = await configBelow(join(folder, "config"));
  const { rootfs, entrypoint = [], ...given } = container;
  const definition = {
    name,
    ...given,
    entrypoint,
    args: args satisfies JsonObject,
    ...(isGuest && { type: "wasm", module }),
    ...(config.length > 0 && { config: Object.fromEntries(config) }),
  };
  return {
    definition: services === undefined ? definition : { ...definition, services },
    ...(rootfs !== undefined && { ownRoot: inFolder(rootfs, folder) }),
    files,
  };
}

function inFolder(source: OwnRoot, folder: string): OwnRoot {
  return "tarball" in source ? { tarball: resolve(folder, source.tarball) } : source;
}

function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (facts) => facts.isFile(),
    () => false,
  );
}

/** @param keys those that the file may have */
async function readJson<T>(
  path: string,
  schema: z.ZodType<T>,
  keys: readonly string[] = [],
): Promise<T> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (cause) {
    throw new PvhError("PVH_USAGE", `${shownPath(path)} cannot be read: ${messageOf(cause)}`, {
      hint: "each container has an args.json, {} at least; pvh new container NAME writes a folder that works",
      cause,
    });
  }
  let value: unknown;
  try {
    value = parseUntrusted(text);
  } catch (cause) {
    const message = messageOf(cause);
    const at = placeOfMistake(text, message);
    throw new PvhError("PVH_USAGE", `${shownPath(path)}${at}: ${message}`, { cause });
  }
  const { success, data, error } = schema.safeParse(value);
  if (success) return data;
  const problems = error.issues.flatMap((issue) => problemsOf(issue, keys));
  const hint = problems.map((one) => one.hint).find((one) => one !== undefined);
  const lines = problems.map(
    async (one) => `${shownPath(path)}${await placeOf(text, one.path)}: ${one.text}`,
  );
  throw new PvhError("PVH_USAGE", (await Promise.all(lines)).join("\n"), {
    ...(hint !== undefined && { hint }),
    cause: error,
  });
}

interface Problem {
  /** Place in the file's value. */
  readonly path: readonly PropertyKey[];
  readonly text: string;
  readonly hint?: string | undefined;
}

/** A key that there is not comes with those that there are. */
function problemsOf(issue: z.core.$ZodIssue, known: readonly string[]): Problem[] {
  if (issue.code === "unrecognized_keys" && issue.path.length === 0) {
    return issue.keys.map((key) => ({
      path: [key],
      text: `${key}: there is no such key; expected ${known.join(", ")}`,
      hint: didYouMean(key, known),
    }));
  }
  const where = issue.path.length === 0 ? "" : `${issue.path.map(String).join(".")}: `;
  return [{ path: issue.path, text: `${where}${issue.message}` }];
}

const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);

function absent(error: unknown): undefined {
  const cause = error instanceof PvhError ? error.cause : undefined;
  if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") return undefined;
  throw error;
}

/**
 * Sorted, as they are: no symbolic link is followed.
 * @throws PvhError PVH_USAGE for a pipe, a socket or a device
 */
async function filesBelow(folder: string): Promise<OverlayFile[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(absentList);
  const paths = entries.map(({ parentPath, name }) => join(parentPath, name)).sort();
  return Promise.all(paths.map((path) => overlayFile(folder, path)));
}

function absentList(error: unknown): [] {
  if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
  throw error;
}

async function overlayFile(folder: string, path: string): Promise<OverlayFile> {
  const facts = await lstat(path);
  const mode = facts.mode & 0o7777;
  const at = { path: relative(folder, path), mode };
  if (facts.isFile()) return { ...at, type: "file", content: await readFile(path) };
  if (facts.isDirectory()) return { ...at, type: "folder", content: Buffer.alloc(0) };
  if (facts.isSymbolicLink()) {
    return { ...at, type: "link", mode: 0o777, content: await readlink(path, "buffer") };
  }
  throw new PvhError("PVH_USAGE", `${shownPath(path)} is no file, folder or link`, {
    hint: "remove it; a program can make it when it starts",
  });
}

/** Text of the files of config/: the state that they go into has neither links nor modes. */
async function configBelow(folder: string): Promise<(readonly [string, string])[]> {
  const files = await filesBelow(folder);
  const link = files.find(({ type }) => type === "link");
  if (link !== undefined) {
    throw new PvhError("PVH_USAGE", `${shownPath(join(folder, link.path))} is a link`, {
      hint: "put a file there: a state has no links",
    });
  }
  return files.flatMap(({ path, type, content }) =>
    type === "file" ? [[path, content.toString("utf8")] as const] : [],
  );
}
