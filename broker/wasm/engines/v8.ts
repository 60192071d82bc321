import { setFlagsFromString } from "node:v8";
import type { WasmGuest } from "../../shared/formats/wasm-guest.ts";
import { GuestFailure } from "../guest-errno.ts";
import type { GuestMemory } from "../guest-memory.ts";
import type { HostFunction, HostModules } from "../host-function.ts";
import type { Engine, GuestImport, Instance, LoadedModule } from "./engine.ts";
import { V8Memory } from "./v8-memory.ts";

/**
 * The engine in Node, whose flags bound memories and tables. They are set here, and not on Node's
 * command line, since V8 takes no code of a bundle that was compiled with other flags.
 */
export function v8({ memoryPages, tableElements }: V8Limits): Engine {
  setFlagsFromString(`--wasm-max-mem-pages=${memoryPages}`);
  setFlagsFromString(`--wasm-max-table-size=${tableElements}`);
  return { load };
}

type V8Limits = Pick<WasmGuest, "memoryPages" | "tableElements">;

function load(bytes: Buffer): LoadedModule {
  const module = attempt("its module is refused", () => new WebAssembly.Module(bytes));
  return {
    imports: WebAssembly.Module.imports(module).map(
      ({ module: from, name, kind }): GuestImport => ({ module: from, name, kind }),
    ),
    instantiate: (modules) => instantiate(module, modules),
  };
}

function instantiate(module: WebAssembly.Module, modules: HostModules): Instance {
  const memory = new V8Memory();
  const imports = importsOf(modules, memory);
  const instance = attempt(
    "it cannot be instantiated",
    () => new WebAssembly.Instance(module, imports),
  );
  const { memory: exported, _start: start } = instance.exports;
  if (exported instanceof WebAssembly.Memory) memory.use(exported);
  return {
    run() {
      if (typeof start !== "function") throw new GuestFailure("it exports no function _start");
      attempt("trap", () => (start as () => void)());
    },
  };
}

/** As an object without prototype, so that no name of an import means anything else. */
function importsOf(modules: HostModules, memory: GuestMemory): WebAssembly.Imports {
  const imports = Object.create(null) as WebAssembly.Imports;
  for (const [name, functions] of modules) {
    const values = Object.create(null) as WebAssembly.ModuleImports;
    for (const [own, one] of Object.entries(functions)) {
      values[own] = imported(`${name}.${own}`, one, memory);
    }
    imports[name] = values;
  }
  return imports;
}

function imported(name: string, { call }: HostFunction, memory: GuestMemory) {
  return (...values: readonly unknown[]): number => {
    try {
      return call(memory, values);
    } catch (error) {
      if (!(error instanceof GuestFailure)) throw error;
      throw new GuestFailure(`${name}: ${error.message}`);
    }
  };
}

/** A guest may run out of stack in the middle of a host function too. */
function attempt<T>(what: string, run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (error instanceof GuestFailure) throw error;
    throw new GuestFailure(`${what}: ${error instanceof Error ? error.message : "an exception"}`);
  }
}
