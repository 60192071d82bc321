import Module, { createRequire } from "node:module";

/** A module that a library requires when it is loaded, and that pvh hardly ever needs. */
export interface LazyModule {
  /** Package that requires it. */
  readonly library: string;
  /** Specifier as the package writes it, or any that leads to the same file. */
  readonly specifier: string;
  /** True for a module compiled from ES modules: its importers look for `__esModule`. */
  readonly isCompiled?: true;
}

/**
 * Docker over SSH, BuildKit sessions, compose files, registries over HTTP, archives: two thirds of
 * what dockerode and testcontainers cost to load. `node --cpu-prof` shows it.
 */
export const LAZY_MODULES: readonly LazyModule[] = [
  { library: "docker-modem", specifier: "./ssh" },
  { library: "dockerode", specifier: "./session" },
  { library: "dockerode", specifier: "./buildkit" },
  { library: "testcontainers", specifier: "@balena/dockerignore" },
  { library: "testcontainers", specifier: "archiver" },
  { library: "testcontainers", specifier: "docker-compose", isCompiled: true },
  { library: "testcontainers", specifier: "ssh-remote-port-forward", isCompiled: true },
  { library: "testcontainers", specifier: "undici" },
];

const require = createRequire(import.meta.url);
for (const module of LAZY_MODULES) postpone(module);

/** Path of the file that the library would load; undefined where this version has none. */
export function fileOf({ library, specifier }: LazyModule): string | undefined {
  try {
    return createRequire(require.resolve(library)).resolve(specifier);
  } catch {
    return undefined;
  }
}

/** Put a stand-in into the module cache, which loads the module when it is first used. */
function postpone(lazy: LazyModule): void {
  const file = fileOf(lazy);
  if (file === undefined || require.cache[file] !== undefined) return;
  const standIn = new Module(file);
  standIn.filename = file;
  standIn.loaded = true;
  let loaded: object | undefined;
  const load = (): object => {
    if (loaded !== undefined) return loaded;
    if (require.cache[file] === standIn) Reflect.deleteProperty(require.cache, file);
    loaded = require(file) as object;
    return loaded;
  };
  standIn.exports = exportsThat(load, lazy.isCompiled === true);
  require.cache[file] = standIn;
}

/** Node copies own properties for those who import names; a bound function has none to keep. */
function exportsThat(load: () => object, isCompiled: boolean): object {
  const target = function exports(): void {}.bind(undefined);
  return new Proxy(target, {
    get: (_, key): unknown => (key === "__esModule" ? isCompiled : Reflect.get(load(), key)),
    has: (_, key) => Reflect.has(load(), key),
    ownKeys: () => Reflect.ownKeys(load()),
    getOwnPropertyDescriptor: (_, key) => {
      const real = Reflect.getOwnPropertyDescriptor(load(), key);
      return real && { ...real, configurable: true };
    },
    apply: (_, self, words): unknown => Reflect.apply(load() as () => unknown, self, words),
    construct: (_, words) => Reflect.construct(load() as new () => object, words) as object,
  });
}
