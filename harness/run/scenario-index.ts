import { createHash } from "node:crypto";
import { lstatSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { deserialize, serialize } from "node:v8";
import { cacheFolder } from "../engine/folders.ts";
import { makeFolder } from "../make-folder.ts";
import { SOURCE_FOLDERS } from "../root.ts";
import { propertyOf } from "../thrown.ts";
import type { DiscoveredScenario } from "./discovered-scenario.ts";

/** Scenarios by the absolute path of their file. */
export type Discovered = ReadonlyMap<string, DiscoveredScenario>;

/** Changes with the form of the index's file. */
const FORMAT = 5;
/** Files that decide what a scenario file loads. */
const PACKAGES = ["package.json", "package-lock.json"];
/** Milliseconds for which a file may keep its times while it changes: a kernel's clock is coarse. */
const COARSE = 1_000;

/**
 * The scenarios of a clone as their files declare them, kept from one command to the next: loading the
 * files takes longer than a short command. They hold as long as no file of the clone has changed.
 *
 * `PVH_CACHE=off` keeps nothing. A file that is cut, foreign, of another version or on a full disk
 * counts as none.
 */
export class ScenarioIndex {
  readonly #root: string;
  readonly #sources: Sources | undefined;
  readonly #known: Discovered;

  /** @param root of the clone */
  constructor(root: string) {
    this.#root = root;
    this.#sources = process.env["PVH_CACHE"] === "off" ? undefined : lookAt(root);
    this.#known = this.#sources === undefined ? new Map() : this.#read(this.#sources.state);
  }

  /** @returns undefined for a file that has to be loaded */
  get(path: string): DiscoveredScenario | undefined {
    return this.#known.get(path);
  }

  /** Keep what was loaded since, unless something has changed meanwhile. */
  keep(loaded: Discovered): void {
    const sources = this.#sources;
    if (sources === undefined || loaded.size === 0) return;
    const isSettled = sources.changed < sources.seen - COARSE;
    if (!isSettled || lookAt(this.#root)?.state !== sources.state) return;
    this.#write(sources.state, new Map([...this.#known, ...loaded]));
  }

  #read(state: string): Discovered {
    try {
      const bytes = readFileSync(this.#file());
      const content = bytes.subarray(SUM_BYTES);
      if (!sumOf(content).equals(bytes.subarray(0, SUM_BYTES))) return new Map();
      const index: unknown = deserialize(content);
      const scenarios = propertyOf(index, "scenarios");
      const isOurs =
        propertyOf(index, "format") === FORMAT &&
        propertyOf(index, "node") === process.version &&
        propertyOf(index, "state") === state &&
        scenarios instanceof Map;
      return isOurs ? (scenarios as Discovered) : new Map();
    } catch {
      return new Map();
    }
  }

  #write(state: string, scenarios: Discovered): void {
    try {
      const file = this.#file();
      const draft = `${file}.${process.pid}`;
      makeFolder(cacheFolder("index"));
      const content = serialize({ format: FORMAT, node: process.version, state, scenarios });
      try {
        writeFileSync(draft, Buffer.concat([sumOf(content), content]));
        renameSync(draft, file);
      } finally {
        rmSync(draft, { force: true });
      }
    } catch {
      // The next command loads the files again.
    }
  }

  #file(): string {
    return join(cacheFolder("index"), sumOf(Buffer.from(this.#root)).toString("hex").slice(0, 16));
  }
}

const SUM_BYTES = 32;

function sumOf(content: Uint8Array): Buffer {
  return createHash("sha256").update(content).digest();
}

interface Sources {
  /** Hash of names, sizes, inodes and change times, which nobody can set. */
  readonly state: string;
  /** Milliseconds since the epoch: the youngest change, and now. */
  readonly changed: number;
  readonly seen: number;
}

/** @returns undefined where it cannot be told */
function lookAt(root: string): Sources | undefined {
  const seen = Date.now();
  const parts = [root];
  let changed = 0;
  // One look at each entry: readdir's own recursion takes another where the file system tells no types.
  const add = (path: string): void => {
    const stats = lstatSync(path);
    if (stats.isDirectory()) {
      for (const name of readdirSync(path).sort()) add(`${path}/${name}`);
      return;
    }
    parts.push(`${path}\0${stats.ino}\0${stats.size}\0${stats.ctimeMs}\0`);
    changed = Math.max(changed, stats.ctimeMs);
  };
  try {
    for (const folder of SOURCE_FOLDERS) add(join(root, folder));
    for (const file of PACKAGES) add(join(root, file));
    const state = createHash("sha256").update(parts.join("")).digest("hex");
    return { state, changed, seen };
  } catch {
    return undefined;
  }
}
