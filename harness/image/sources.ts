import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";

/** The clone (or installed package) that this file is part of. */
export const PROJECT = fileURLToPath(new URL("../..", import.meta.url));

/** Inputs of the image's parts. Each field is a hash of everything that goes into the part. */
export interface Inputs {
  readonly rootfs: string;
  readonly node: string;
  readonly program: string;
  /** Hash of all the others: the image's `pvh.content` label. */
  readonly content: string;
}

/** Raise it when the way the image is put together changes without any input changing. */
const RECIPE = "1";

/**
 * Hash the inputs. Cheap, for it happens in every command: the lock file's hash of a package
 * stands for the package, sources are read (some hundred small files), nothing is bundled.
 */
export async function readInputs(): Promise<Inputs> {
  const [packages, lock, sources, overlay, recipe] = await Promise.all([
    readPackages(),
    readFile(join(PROJECT, "package-lock.json")),
    hashFolder(
      join(PROJECT, "broker"),
      (path) => /\.([jt]s|json)$/.test(path) && !/\.test\.|\.d\.ts$/.test(path),
    ),
    hashFolder(join(PROJECT, "containers/appengine/overlay")),
    hashFolder(join(PROJECT, "harness/image"), (path) => !/\.test\.|\.d\.ts$/.test(path)),
  ]);
  const rootfs = await rootfsKey(packages);
  const node = hash(RECIPE, process.arch, nodeIntegrity(lock.toString()));
  const program = hash(RECIPE, process.arch, lock, sources, overlay, recipe);
  return { rootfs, node, program, content: hash(rootfs, node, program) };
}

/** Hash of all that goes into a root filesystem of these packages, given sorted. */
export async function rootfsKey(packages: readonly string[]): Promise<string> {
  return hash(RECIPE, process.arch, packages.join(" "), await rootfsRecipe());
}

/** Package names in containers/appengine/packages.txt, sorted. */
export async function readPackages(): Promise<string[]> {
  const text = await readFile(join(PROJECT, "containers/appengine/packages.txt"), "utf8");
  const lines = text.split("\n").map((line) => line.replace(/#.*/, "").trim());
  return lines.filter((line) => line !== "").sort();
}

/**
 * Names of the programs, with their paths: every `broker/**` file NAME.main.ts. With them the
 * worker threads that they start: NAME.thread.ts, as `NAME.thread`. Compiled ones end in `.js`.
 */
export async function readMains(): Promise<Map<string, string>> {
  const folder = join(PROJECT, "broker");
  const mains = (await files(folder)).filter((path) => /\.(main|thread)\.[jt]s$/.test(path));
  return new Map(mains.map((path) => [path.replace(/^.*\/|(\.main)?\.[jt]s$/g, ""), path]));
}

/** The source, in an installed package, too: so that it finds the file system that a clone has made. */
const rootfsRecipe = (): Promise<Buffer> => readFile(join(PROJECT, "harness/image/rootfs.ts"));

function nodeIntegrity(lock: string): string {
  const key = `"node_modules/node-linux-${process.arch}"`;
  const at = lock.indexOf(key);
  return (
    /"integrity": "([^"]+)"/.exec(lock.slice(at === -1 ? lock.length : at))?.[1] ?? process.version
  );
}

async function hashFolder(folder: string, wanted = (_path: string) => true): Promise<string> {
  const paths = (await files(folder)).filter(wanted);
  const contents = await Promise.all(paths.map((path) => readFile(path)));
  return hash(...paths.flatMap((path, at) => [relative(folder, path), contents[at] ?? ""]));
}

/** Paths of all files below a folder that may be absent, sorted. */
async function files(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

/** SHA-256 of the parts, each with its length, so that no two lists of parts look the same. */
function hash(...parts: (string | Buffer)[]): string {
  const sum = createHash("sha256");
  for (const part of parts) sum.update(`${Buffer.byteLength(part)}:`).update(part);
  return sum.digest("hex");
}
