import koffi from "koffi";
import { messageOf } from "../../shared/message-of.ts";
import { GuestFailure } from "../guest-errno.ts";

/**
 * The part of WasmEdge's C API (wasmedge.h of 0.14) that the engine uses. Contexts are opaque
 * pointers; strings, results and value types go by value. A WasmEdge_Value, of 16 bytes for the
 * number and 8 for its type, is aligned to 16, which koffi cannot pass: only pointers to it are used.
 */
const NAMES = ["libwasmedge.so.0", "libwasmedge.so"];
/** Bytes from one WasmEdge_Value to the next. */
export const VALUE_SIZE = 32;

koffi.struct("WasmEdge_String", { Length: "uint32_t", Buf: "void *" });
koffi.struct("WasmEdge_Result", { Code: "uint32_t" });
koffi.struct("WasmEdge_ValType", { Data: koffi.array("uint8_t", 8) });
export const HostCall = koffi.proto(
  "WasmEdge_Result WasmEdge_HostFunc_t(void *data, void *frame, void *parameters, void *returns)",
);

/** A context, or another address in the library; null for none. */
export type Pointer = bigint | null;
export interface ResultCode {
  readonly Code: number;
}
export interface NativeString {
  readonly Length: number;
  readonly Buf: Pointer;
}
interface ValType {
  readonly Data: Uint8Array;
}

/** Results of a host function. */
export const SUCCESS: ResultCode = { Code: 0 };
export const FAIL: ResultCode = { Code: 2 };

type Native = ReturnType<typeof koffi.load>;
export type Library = ReturnType<typeof functionsOf>;

/** @throws GuestFailure where there is no library of this API */
export function openLibrary(names: readonly string[] = NAMES): Library {
  const library = functionsOrRefuse(openFirst(names));
  // Its log would go into the guest's output.
  library.logOff();
  return library;
}

function openFirst(names: readonly string[]): Native {
  const reasons: string[] = [];
  for (const name of names) {
    try {
      return koffi.load(name);
    } catch (error) {
      reasons.push(`${name}: ${messageOf(error)}`);
    }
  }
  throw new GuestFailure(`no WebAssembly engine 'wasmedge': ${reasons[0] ?? "it has no name"}`);
}

/** The types of values, `WasmEdge_ValType`, came with 0.14. */
function functionsOrRefuse(native: Native): Library {
  try {
    return functionsOf(native);
  } catch (error) {
    throw new GuestFailure(`libwasmedge is none of 0.14 or later: ${messageOf(error)}`);
  }
}

function functionsOf(native: Native) {
  const result = (name: string, ...parameters: string[]) =>
    native.func(`WasmEdge_Result WasmEdge_${name}(${parameters.join()})`);
  const address = (name: string, ...parameters: string[]) =>
    native.func(`void *WasmEdge_${name}(${parameters.join()})`);
  const count = (name: string, ...parameters: string[]) =>
    native.func(`uint32_t WasmEdge_${name}(${parameters.join()})`);
  const nothing = (name: string, ...parameters: string[]) =>
    native.func(`void WasmEdge_${name}(${parameters.join()})`);
  const text = (name: string, parameter: string) =>
    native.func(`WasmEdge_String WasmEdge_${name}(${parameter})`);
  const valType = (name: string) => native.func(`WasmEdge_ValType WasmEdge_${name}()`);
  const p = "void *";
  return {
    logOff: nothing("LogOff") as () => void,
    resultMessage: native.func("const char *WasmEdge_ResultGetMessage(WasmEdge_Result)") as (
      result: ResultCode,
    ) => string,
    configure: address("ConfigureCreate") as () => Pointer,
    setMaxMemoryPage: nothing("ConfigureSetMaxMemoryPage", p, "uint32_t") as (
      configure: Pointer,
      pages: number,
    ) => void,
    loader: address("LoaderCreate", p) as (configure: Pointer) => Pointer,
    parse: result("LoaderParseFromBuffer", p, "_Out_ void **", "const uint8_t *", "uint32_t") as (
      loader: Pointer,
      to: Pointer[],
      bytes: Buffer,
      length: number,
    ) => ResultCode,
    importsLength: count("ASTModuleListImportsLength", p) as (module: Pointer) => number,
    listImports: count("ASTModuleListImports", p, p, "uint32_t") as (
      module: Pointer,
      to: Buffer,
      length: number,
    ) => number,
    importKind: count("ImportTypeGetExternalType", p) as (one: Pointer) => number,
    importModule: text("ImportTypeGetModuleName", p) as (one: Pointer) => NativeString,
    importName: text("ImportTypeGetExternalName", p) as (one: Pointer) => NativeString,
    machine: address("VMCreate", p, p) as (configure: Pointer, store: null) => Pointer,
    loadParsed: result("VMLoadWasmFromASTModule", p, p) as (
      machine: Pointer,
      module: Pointer,
    ) => ResultCode,
    validate: result("VMValidate", p) as (machine: Pointer) => ResultCode,
    instantiate: result("VMInstantiate", p) as (machine: Pointer) => ResultCode,
    register: result("VMRegisterModuleFromImport", p, p) as (
      machine: Pointer,
      module: Pointer,
    ) => ResultCode,
    execute: result("VMExecute", p, "WasmEdge_String", p, "uint32_t", p, "uint32_t") as (
      machine: Pointer,
      name: NativeString,
      parameters: null,
      parameterCount: 0,
      returns: null,
      returnCount: 0,
    ) => ResultCode,
    functionType: address("VMGetFunctionType", p, "WasmEdge_String") as (
      machine: Pointer,
      name: NativeString,
    ) => Pointer,
    string: text("StringCreateByCString", "const char *") as (text: string) => NativeString,
    i32: valType("ValTypeGenI32") as () => ValType,
    i64: valType("ValTypeGenI64") as () => ValType,
    moduleInstance: address("ModuleInstanceCreate", "WasmEdge_String") as (
      name: NativeString,
    ) => Pointer,
    makeType: address("FunctionTypeCreate", p, "uint32_t", p, "uint32_t") as (
      parameters: Buffer,
      count: number,
      results: Buffer,
      resultCount: number,
    ) => Pointer,
    makeFunction: address("FunctionInstanceCreate", p, "WasmEdge_HostFunc_t *", p, "uint64_t") as (
      type: Pointer,
      call: bigint,
      data: null,
      cost: number,
    ) => Pointer,
    addFunction: nothing("ModuleInstanceAddFunction", p, "WasmEdge_String", p) as (
      module: Pointer,
      name: NativeString,
      one: Pointer,
    ) => void,
    memoryOf: address("CallingFrameGetMemoryInstance", p, "uint32_t") as (
      frame: Pointer,
      index: number,
    ) => Pointer,
    pages: count("MemoryInstanceGetPageSize", p) as (memory: Pointer) => number,
    bytesOf: address("MemoryInstanceGetPointer", p, "uint32_t", "uint32_t") as (
      memory: Pointer,
      from: number,
      length: number,
    ) => Pointer,
  };
}
