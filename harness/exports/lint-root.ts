import { readFile } from "node:fs/promises";
import { join, posix } from "node:path";
import { didYouMean } from "../near-names.ts";
import { MAKE_ROOT, sharedFiles } from "./container-folder.ts";
import type { ContainerFolder, OverlayFile } from "./container-folder.ts";
import type { Finding } from "./finding.ts";
import { readRootBase } from "./root-base.ts";

/**
 * Findings on the program that a container starts: it must be in the root file system, executable, and
 * have an interpreter there. Of a root that is not pvh's only the container's own files are known.
 */
export async function lintRoot(folder: ContainerFolder): Promise<Finding[]> {
  const { definition, files, ownRoot } = folder;
  const [entry] = definition.entrypoint;
  if (entry === undefined) return [];
  const isKnown = ownRoot === undefined;
  const shared = isKnown ? await sharedFiles() : [];
  const root: KnownRoot = {
    files: new Map([...shared, ...files].map((file) => [plain(file.path), file])),
    programs: isKnown ? await programsOf(folder) : new Set(),
    patterns:
      isKnown && definition.root !== undefined ? (await readRootBase(definition.root)).paths : [],
    isKnown,
  };
  return lintProgram(root, files, entry);
}

interface KnownRoot {
  readonly files: ReadonlyMap<string, OverlayFile>;
  readonly programs: ReadonlySet<string>;
  /** Patterns of the shell for further files. */
  readonly patterns: readonly string[];
  /** Nothing else is in it. */
  readonly isKnown: boolean;
}

function lintProgram(root: KnownRoot, files: readonly OverlayFile[], entry: string): Finding[] {
  const error = (code: string, message: string, fix: string): Finding[] => [
    { level: "error", code, path: "container.json#/entrypoint/0", message, fix },
  ];
  const found = lookUp(root, entry);
  if (found === "unknown" || found === "program") return [];
  if (found === undefined || found.type !== "file") {
    const own = files.filter(({ type }) => type === "file").map(({ path }) => `/${path}`);
    const near = didYouMean(entry, [...own, ...root.programs]) ?? `add rootfs${entry}`;
    const what = found === undefined ? "is not in the root file system" : "is a folder";
    return error("program-missing", `the program ${entry} ${what}`, near);
  }
  if ((found.mode & 0o111) === 0) {
    const message = `the program ${entry} is not executable (mode 0${found.mode.toString(8)})`;
    return error("program-mode", message, `chmod +x rootfs/${found.path}`);
  }
  const line = /^#! *(\/[^\s]*)/.exec(found.content.toString("latin1", 0, 256));
  const interpreter = line?.[1];
  if (interpreter === undefined || lookUp(root, interpreter) !== undefined) return [];
  const message = `${entry} wants ${interpreter}, which is not in the root file system`;
  return error("interpreter-missing", message, "use #!/bin/sh or #!/usr/bin/python3, or add it");
}

/** Links that one path may lead through (path_resolution(7)). */
const MOST_LINKS = 40;

/** @returns undefined for what is not there, "unknown" where that cannot be said */
function lookUp(root: KnownRoot, path: string): OverlayFile | "program" | "unknown" | undefined {
  let at = plain(path);
  for (let links = 0; links < MOST_LINKS; links += 1) {
    const file = root.files.get(at);
    if (file === undefined) return elsewhere(root, at);
    if (file.type !== "link") return file;
    at = plain(posix.resolve("/", posix.dirname(at), file.content.toString()));
  }
  return undefined;
}

function elsewhere(root: KnownRoot, at: string): "program" | "unknown" | undefined {
  if (!root.isKnown) return "unknown";
  const absolute = `/${at}`;
  if (root.programs.has(absolute)) return "program";
  if (root.patterns.some((pattern) => posix.matchesGlob(absolute, pattern))) return "unknown";
  // A link to a folder on the way may lead anywhere.
  const parents = at.split("/").map((_, index, steps) => steps.slice(0, index).join("/"));
  return parents.some((parent) => root.files.get(parent)?.type === "link") ? "unknown" : undefined;
}

/** Path without the leading slash, in Debian's merged /usr as make-root.sh links it. */
function plain(path: string): string {
  const steps = posix.normalize(`/${path}`).slice(1);
  return steps.replace(/^(bin|sbin|lib|lib64)\//, "usr/$1/").replace(/^usr\/sbin\//, "usr/bin/");
}

/** Paths of the programs of pvh's root file systems. */
async function programsOf({ definition: { root } }: ContainerFolder): Promise<Set<string>> {
  const script = await readFile(MAKE_ROOT, "utf8");
  const listed = /^programs="([^$"]*)/m.exec(script)?.[1] ?? "";
  const applets = await readFile(join(MAKE_ROOT, "../applets.txt"), "utf8");
  const more = root === undefined ? [] : (await readRootBase(root)).programs;
  const names = [...`${listed} ${applets} sh nc`.split(/\s+/), ...more];
  return new Set(
    names.filter((name) => name !== "").map((name) => `/usr/bin/${posix.basename(name)}`),
  );
}
