import { cpSync, existsSync, globSync, mkdirSync, readdirSync, statSync } from "node:fs";
import { basename, dirname, isAbsolute, join } from "node:path";

/** Inputs of a step, with its expressions filled in. */
export type Inputs = Readonly<Record<string, string>>;

const lines = (text = ""): string[] => text.split("\n").filter((line) => line !== "");

/**
 * GitHub's own actions, as far as the recipe uses them, on folders: caches are the repository's, artifacts are
 * the run's. What a cache keeps outside of the project is this machine's, and stays where it is.
 */
export class Actions {
  readonly #caches: string;
  readonly #artifacts: string;

  constructor(caches: string, artifacts: string) {
    this.#caches = caches;
    this.#artifacts = artifacts;
    for (const folder of [caches, artifacts]) mkdirSync(folder, { recursive: true });
  }

  /** @returns the step's outputs */
  use(action: string, inputs: Inputs, folder: string): Record<string, string> {
    switch (action.replace(/@.*/, "")) {
      case "actions/cache/restore":
        return { "cache-hit": String(this.#restore(inputs, folder)) };
      case "actions/cache/save":
        return this.#save(inputs, folder);
      case "actions/upload-artifact":
        return this.#upload(inputs, folder);
      case "actions/download-artifact":
        return this.#download(inputs, folder);
      default:
        throw new Error(`the dry run knows no ${action}`);
    }
  }

  /** @returns whether there is one of just this key */
  #restore({ key = "", path, ...inputs }: Inputs, folder: string): boolean {
    const there = readdirSync(this.#caches).sort(
      (a, b) => statSync(join(this.#caches, b)).mtimeMs - statSync(join(this.#caches, a)).mtimeMs,
    );
    const starts = [key, ...lines(inputs["restore-keys"])];
    const found = starts
      .flatMap((start) => there.filter((name) => name.startsWith(start)))
      .find((name) => existsSync(join(this.#caches, name)));
    if (found === undefined) return false;
    for (const name of lines(path).filter((one) => !isAbsolute(one))) {
      copy(join(this.#caches, found, name), join(folder, name));
    }
    return found === key;
  }

  #save({ key = "", path }: Inputs, folder: string): Record<string, string> {
    const cache = join(this.#caches, key);
    if (existsSync(cache)) throw new Error(`the cache ${key} is there, and stays as it is`);
    mkdirSync(cache);
    for (const name of lines(path).filter((one) => !isAbsolute(one))) {
      copy(join(folder, name), join(cache, name));
    }
    return {};
  }

  /** A lone file or folder lies at the top of the artifact, several as in the project. */
  #upload({ name = "", path, ...inputs }: Inputs, folder: string): Record<string, string> {
    const artifact = join(this.#artifacts, name);
    if (existsSync(artifact) && inputs["overwrite"] !== "true") throw new Error(`${name} is there`);
    const paths = lines(path).filter((one) => existsSync(join(folder, one)));
    const isHidden = paths.some((one) => /(^|\/)\./.test(one));
    if (isHidden && inputs["include-hidden-files"] !== "true") throw new Error(`${name}: hidden`);
    if (paths.length === 0) return {};
    mkdirSync(artifact, { recursive: true });
    const alone = paths.length === 1;
    for (const one of paths) {
      const isFile = statSync(join(folder, one)).isFile();
      copy(join(folder, one), join(artifact, alone ? (isFile ? basename(one) : ".") : one));
    }
    return {};
  }

  #download(
    { pattern = "", path = "", ...inputs }: Inputs,
    folder: string,
  ): Record<string, string> {
    for (const name of globSync(pattern, { cwd: this.#artifacts })) {
      const target = join(folder, path, inputs["merge-multiple"] === "true" ? "." : name);
      copy(join(this.#artifacts, name), target);
    }
    return {};
  }
}

function copy(from: string, to: string): void {
  if (!existsSync(from)) return;
  mkdirSync(dirname(to), { recursive: true });
  cpSync(from, to, { recursive: true, verbatimSymlinks: true });
}
