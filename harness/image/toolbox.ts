import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { readFile } from "node:fs/promises";
import { posix } from "node:path";
import { buffer } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import tar from "tar-stream";
import type { Extract, Pack } from "tar-stream";
import { TOOLS } from "../appengine/layout.ts";
import type { Engine, FindOptions } from "../engine/engine.ts";
import { entry } from "./layer.ts";
import { cachedLayer } from "./layer-cache.ts";
import type { Layer } from "./layer-cache.ts";
import { rootfsLayer } from "./reference-image.ts";
import { readInputs } from "./sources.ts";

/**
 * The tools that pvh brings into an image: programs of Debian's packages with their libraries, each
 * started through a loader of its own, so that they run on any C library of the image.
 *
 * @returns a layer with everything below TOOLS
 * @throws PvhError PVH_BUILD, PVH_NO_SPACE, PVH_ENGINE, PVH_ABORTED
 */
export async function ensureToolbox(engine: Engine, options: FindOptions = {}): Promise<Layer> {
  const { signal = new AbortController().signal, progress = () => undefined } = options;
  const inputs = await readInputs();
  const recipe = await readFile(fileURLToPath(import.meta.url));
  const key = createHash("sha256").update(inputs.rootfs).update(recipe).digest("hex");
  return cachedLayer(
    "tools",
    key,
    2,
    async (path) => {
      const rootfs = await rootfsLayer(engine, inputs, { signal, progress });
      progress("packing the tools for other images; seconds, once");
      await packTools(rootfs.path, path, signal);
    },
    { signal, progress },
  );
}

const MACHINE = process.arch === "arm64" ? "aarch64" : "x86_64";
const LIBRARIES = `usr/lib/${MACHINE}-linux-gnu`;
const LOADER = `ld-linux-${MACHINE.replace("_", "-")}.so.${MACHINE === "aarch64" ? 1 : 2}`;
const ROOT = `${TOOLS}/root`;

/** Large, or of no use where they are not at their own path; containers are the image's own. */
const LEFT_OUT = /^(perl|runc|lxc|busybox|ld\.so|ldconfig|dpkg|apt|systemd)/;

/**
 * Programs of the image, which are judged: they run with the image's own search path, so that one
 * that lacks a tool fails.
 */
const JUDGED = [
  "pantavisor",
  "pv-appengine",
  "pv-xconnect",
  "pvcontrol",
  "pvcurl",
  "pventer",
  "pvtx",
];

/** Folders from which everything is taken, and folders of which only the files themselves are. */
function isWanted(path: string): boolean {
  if (/^usr\/s?bin\//.test(path)) return !LEFT_OUT.test(posix.basename(path));
  if (path.startsWith("usr/lib/python3"))
    return !/\/(test|__pycache__|idlelib|lib2to3)\//.test(path);
  return posix.dirname(path) === LIBRARIES && path.includes(".so");
}

/**
 * Write the layer of the tools.
 * @param rootfs path of a root file system's tar
 */
export async function packTools(rootfs: string, path: string, signal: AbortSignal): Promise<void> {
  const pack = tar.pack();
  const extract = tar.extract();
  try {
    await Promise.all([
      pipeline(createReadStream(rootfs), extract, { signal }),
      fill(extract, pack),
      pipeline(pack, createWriteStream(path), { signal }),
    ]);
  } catch (error) {
    pack.destroy();
    throw error;
  }
}

async function fill(rootfs: Extract, pack: Pack): Promise<void> {
  const programs = new Set<string>();
  const links = new Map<string, string>();
  for await (const found of rootfs) {
    const { name, type, mode, linkname } = found.header;
    const from = posix.normalize(name).replace(/\/$/, "");
    if (type === "symlink") {
      links.set(from, resolveLink(from, linkname));
      if (isWanted(from) && !linkname.startsWith("/")) {
        await entry(pack, { name: inToolbox(from), type, linkname, mode: 0o777 });
      }
    } else if (type === "file" && isWanted(from)) {
      const content = await buffer(found);
      if (isElf(content)) programs.add(from);
      await entry(pack, { name: inToolbox(from), mode: mode & 0o777 }, content);
    }
    found.resume();
  }
  const scripts = [
    ...[...commands(programs, links)].map(([name, path]) => [name, starter(path)] as const),
    ...JUDGED.map((name) => [name, asImage(name)] as const),
  ];
  for (const [name, script] of scripts) {
    const header = { name: `${TOOLS}/bin/${name}`.slice(1), mode: 0o755 };
    await entry(pack, header, Buffer.from(script));
  }
  pack.finalize();
}

function inToolbox(path: string): string {
  return `${ROOT}/${path}`.slice(1);
}

function isElf(content: Buffer): boolean {
  return content.subarray(0, 4).equals(Buffer.from("\x7fELF", "latin1"));
}

/** Path from the root that a link leads to; Debian's /bin and /sbin are links to those in /usr. */
function resolveLink(from: string, to: string): string {
  const path = posix.join("/", to.startsWith("/") ? to : posix.join(posix.dirname(from), to));
  return path.slice(1).replace(/^(s?bin|lib(64)?)\//, "usr/$1/");
}

/** Each command's name, with the path of the program that it is. */
function commands(
  programs: ReadonlySet<string>,
  links: ReadonlyMap<string, string>,
): Map<string, string> {
  const found = new Map<string, string>();
  for (const path of [...links.keys(), ...programs].sort()) {
    if (!/^usr\/s?bin\//.test(path) || !isWanted(path)) continue;
    let program: string | undefined = path;
    for (let hops = 0; program !== undefined && !programs.has(program); hops += 1) {
      program = hops < 8 ? links.get(program) : undefined;
    }
    if (program !== undefined) found.set(posix.basename(path), program);
  }
  return found;
}

function starter(program: string): string {
  const home = /\/python3/.test(program) ? `PYTHONHOME=${ROOT}/usr ` : "";
  return `#!/bin/sh\n${home}exec ${throughLoader(`${ROOT}/${program}`)} "$@"\n`;
}

/** Words of a script of sh that run a program with the libraries of the tools. */
export function throughLoader(program: string): string {
  return `${ROOT}/${LIBRARIES}/${LOADER} --argv0 "$0" --library-path ${ROOT}/${LIBRARIES} ${program}`;
}

function asImage(name: string): string {
  return `#!/bin/sh\nPATH="\${PATH#${TOOLS}/bin:}"\nexec ${name} "$@"\n`;
}
