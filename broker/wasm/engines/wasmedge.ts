import koffi from "koffi";
import { GuestFailure } from "../guest-errno.ts";
import type { HostFunction, HostModule, HostModules, ValueType } from "../host-function.ts";
import { declaredPages } from "./declared-pages.ts";
import type { Engine, GuestImport, Instance, LoadedModule } from "./engine.ts";
import { FAIL, HostCall, openLibrary, SUCCESS, VALUE_SIZE } from "./wasmedge-library.ts";
import type { Library, NativeString, Pointer, ResultCode } from "./wasmedge-library.ts";
import { WasmEdgeMemory } from "./wasmedge-memory.ts";

/** Names of WasmEdge_ExternalType by number. */
const KINDS = ["function", "table", "memory", "global", "tag"];
/** Imports that are looked at; a module of 32 MiB may have millions. */
const MAX_IMPORTS = 100_000;

/**
 * WasmEdge, the engine of Pantavisor's devices, by its C API. Its interpreter runs the guest in
 * this thread, and host functions are called in it. Nothing is freed: the process ends with its guest.
 *
 * Unlike V8 it maps no file over a memory, and does not trap endless recursion, which the limit of
 * the process's memory ends.
 *
 * @param memoryPages pages of 64 KiB that a memory may have
 * @throws GuestFailure where the library is not
 */
export function wasmEdge(memoryPages: number): Engine {
  const library = openLibrary();
  const configure = library.configure();
  library.setMaxMemoryPage(configure, memoryPages);
  return {
    load(bytes): LoadedModule {
      // WasmEdge takes a memory that begins above the limit, and makes it smaller.
      const pages = declaredPages(bytes);
      if (pages > memoryPages) {
        const size = `its memory begins with ${pages} pages`;
        throw new GuestFailure(`its module is refused: ${size}, more than ${memoryPages}`);
      }
      const parsed: Pointer[] = [null];
      const loader = library.loader(configure);
      const result = library.parse(loader, parsed, bytes, bytes.length);
      demand(library, result, "its module is refused");
      const [module = null] = parsed;
      return {
        imports: importsOf(library, module),
        instantiate: (modules) => instantiate(library, { configure, module, modules }),
      };
    },
  };
}

interface Parts {
  readonly configure: Pointer;
  readonly module: Pointer;
  readonly modules: HostModules;
}

function instantiate(library: Library, { configure, module, modules }: Parts): Instance {
  const machine = library.machine(configure, null);
  const calls = new HostCalls(library);
  const wanted = new Set(importsOf(library, module).map((one) => `${one.module}\0${one.name}`));
  for (const [name, functions] of modules) {
    const used = Object.entries(functions).filter(([own]) => wanted.has(`${name}\0${own}`));
    if (used.length === 0) continue;
    const host = calls.moduleOf(name, Object.fromEntries(used));
    demand(library, library.register(machine, host), `${name} cannot be registered`);
  }
  demand(library, library.loadParsed(machine, module), "its module is refused");
  demand(library, library.validate(machine), "its module is refused");
  calls.demand(library.instantiate(machine), "it cannot be instantiated");
  const start = library.string("_start");
  return {
    run() {
      if (library.functionType(machine, start) === null) {
        throw new GuestFailure("it exports no function _start");
      }
      calls.demand(library.execute(machine, start, null, 0, null, 0), "trap");
    },
  };
}

/** Host functions as the library calls them. */
class HostCalls {
  readonly #library: Library;
  readonly #memory: WasmEdgeMemory;
  /** Exception of a host function, which must not pass through the frames of C. */
  #thrown: { readonly error: unknown } | undefined;

  constructor(library: Library) {
    this.#library = library;
    this.#memory = new WasmEdgeMemory(library);
  }

  moduleOf(name: string, functions: HostModule): Pointer {
    const library = this.#library;
    const module = library.moduleInstance(library.string(name));
    for (const [own, one] of Object.entries(functions)) {
      const typesOf = (types: readonly ValueType[]) =>
        Buffer.concat(types.map((type) => library[type]().Data));
      const { parameters, results } = one;
      const type = library.makeType(
        typesOf(parameters),
        parameters.length,
        typesOf(results),
        results.length,
      );
      const call = koffi.register(this.#callOf(`${name}.${own}`, one), koffi.pointer(HostCall));
      const instance = library.makeFunction(type, call, null, 0);
      library.addFunction(module, library.string(own), instance);
    }
    return module;
  }

  /** @throws what a host function threw, or a GuestFailure with the library's word for the result */
  demand(result: ResultCode, what: string): void {
    if (this.#thrown !== undefined) throw this.#thrown.error;
    demand(this.#library, result, what);
  }

  #callOf(name: string, { parameters, results, call }: HostFunction) {
    return (_data: Pointer, frame: Pointer, values: Pointer, returns: Pointer): ResultCode => {
      try {
        this.#memory.use(frame);
        const result = call(
          this.#memory,
          parameters.map((type, at) => decoded(type, values, at)),
        );
        if (results.length > 0) koffi.encode(returns, 0, "int32_t", result);
        return SUCCESS;
      } catch (error) {
        const isOurs = error instanceof GuestFailure;
        this.#thrown = { error: isOurs ? new GuestFailure(`${name}: ${error.message}`) : error };
        return FAIL;
      }
    };
  }
}

function decoded(type: ValueType, values: Pointer, at: number): number | bigint {
  const from = at * VALUE_SIZE;
  if (type === "i32") return koffi.decode(values, from, "int32_t") as number;
  return BigInt(koffi.decode(values, from, "int64_t") as number | bigint);
}

function importsOf(library: Library, module: Pointer): GuestImport[] {
  const count = library.importsLength(module);
  if (count > MAX_IMPORTS) throw new GuestFailure(`its module is refused: ${count} imports`);
  if (count === 0) return [];
  const pointers = Buffer.alloc(count * 8);
  library.listImports(module, pointers, count);
  return (koffi.decode(pointers, koffi.array("void *", count)) as Pointer[]).map((one) => ({
    module: textOf(library.importModule(one)),
    name: textOf(library.importName(one)),
    kind: KINDS[library.importKind(one)] ?? "tag",
  }));
}

function textOf({ Length, Buf }: NativeString): string {
  if (Length === 0) return "";
  return Buffer.from(koffi.view(Buf, Length)).toString("utf8");
}

/** @throws GuestFailure with the library's word for a result that is none of success */
function demand(library: Library, result: ResultCode, what: string): void {
  if ((result.Code & 0xffffff) === 0) return;
  throw new GuestFailure(`${what}: ${library.resultMessage(result)}`);
}
