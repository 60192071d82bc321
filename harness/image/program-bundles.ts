import { resolve } from "node:path";
import { setFlagsFromString } from "node:v8";
import { Script } from "node:vm";
import { context } from "esbuild";
import type { BuildContext, BuildOptions } from "esbuild";
import { PvhError } from "../errors.ts";
import { KOFFI } from "./koffi-library.ts";

/** Bundle of a program, or V8's code of one. */
export interface BundledFile {
  /** Path in the image, without the leading slash. */
  readonly path: string;
  readonly content: Buffer;
}

/** The function that Node wraps around the text of a CommonJS module. */
export const WRAPPER = [
  "(function (exports, require, module, __filename, __dirname) {",
  "\n})",
] as const;

/**
 * Bundles programs, as often as they change: a later time takes as long as what has changed.
 */
export class ProgramBundles implements AsyncDisposable {
  readonly #home: string;
  readonly #programs = new Map<string, Program>();

  /** @param home folder of the bundles in the image, without the leading slash */
  constructor(home: string) {
    this.#home = home;
  }

  /**
   * @param mains programs by name; a thread's bundle gets no code, for it is loaded by Node itself
   * @param changed absolute paths of the files that have changed since the last time; default any
   * @throws PvhError PVH_BUILD when a program does not bundle
   */
  async make(
    mains: ReadonlyMap<string, string>,
    changed?: readonly string[],
  ): Promise<BundledFile[]> {
    const made = [...mains].map(async ([name, main]) => {
      const program = this.#programs.get(main) ?? new Program(this.#home, name, main);
      this.#programs.set(main, program);
      return await program.files(changed);
    });
    const files = await Promise.all(made).catch((error: unknown) => {
      const why = error instanceof Error ? error.message : String(error);
      throw new PvhError("PVH_BUILD", `the reference Pantavisor cannot be bundled: ${why}`, {
        hint: "npm run ok",
        cause: error,
      });
    });
    return files.flat();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const programs = [...this.#programs.values()];
    this.#programs.clear();
    await Promise.all(programs.map((program) => program[Symbol.asyncDispose]()));
  }
}

type Options = BuildOptions & { readonly write: false; readonly metafile: true };

/** A program, its bundle as of the last time, and the files that it is made of. */
class Program implements AsyncDisposable {
  readonly #home: string;
  readonly #options: Options;
  #context: Promise<BuildContext<Options>> | undefined;
  #inputs: ReadonlySet<string> = new Set();
  /** Empty when there is none. */
  #files: readonly BundledFile[] = [];

  constructor(home: string, name: string, main: string) {
    this.#home = home;
    this.#options = optionsOf(name, main);
  }

  async files(changed: readonly string[] | undefined): Promise<readonly BundledFile[]> {
    const isSame = changed?.every((path) => !this.#inputs.has(path)) === true;
    if (isSame && this.#files.length > 0) return this.#files;
    this.#files = [];
    const { outputFiles, metafile } = await (
      await (this.#context ??= context(this.#options))
    ).rebuild();
    this.#inputs = new Set(Object.keys(metafile.inputs).map((path) => resolve(path)));
    this.#files = outputFiles.flatMap(({ path, contents }) => {
      const bundle = { path: `${this.#home}${path}`, content: Buffer.from(contents) };
      if (path.endsWith(".thread.cjs")) return [bundle];
      return [bundle, { path: bundle.path.replace(/cjs$/, "cache"), content: codeOf(bundle) }];
    });
    return this.#files;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const old = this.#context;
    this.#context = undefined;
    await (await old)?.dispose();
  }
}

function optionsOf(name: string, main: string): Options {
  return {
    entryPoints: { [name]: main },
    outdir: "/",
    outExtension: { ".js": ".cjs" },
    bundle: true,
    write: false,
    metafile: true,
    platform: "node",
    // Node reads all names of a built-in module for an ES import, also those that cost much.
    format: "cjs",
    target: "node24",
    logLevel: "silent",
    plugins: [KOFFI],
    define: { "import.meta.url": "$url" },
    banner: { js: 'const $url = require("node:url").pathToFileURL(__filename).href;' },
  };
}

/** V8's code of a bundle: this Node is the image's. Node compiles anew what it does not accept. */
function codeOf({ path, content }: BundledFile): Buffer {
  const text = `${WRAPPER[0]}${content.toString("latin1")}${WRAPPER[1]}`;
  // By default, V8 leaves most functions to their first call.
  setFlagsFromString("--no-lazy");
  try {
    const script = new Script(text, { filename: `/${path}` });
    setFlagsFromString("--lazy");
    return script.createCachedData();
  } finally {
    setFlagsFromString("--lazy");
  }
}
