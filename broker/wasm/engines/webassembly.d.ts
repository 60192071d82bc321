/** The part of Node's WebAssembly (W3C JavaScript Interface) that the engine uses. */
declare namespace WebAssembly {
  type ModuleImports = Record<string, (...values: readonly unknown[]) => unknown>;
  type Imports = Record<string, ModuleImports>;

  interface Module {
    readonly [Symbol.toStringTag]: "WebAssembly.Module";
  }
  const Module: {
    new (bytes: Uint8Array): Module;
    imports(module: Module): { module: string; name: string; kind: string }[];
  };

  class Instance {
    constructor(module: Module, imports: Imports);
    readonly exports: Readonly<Record<string, unknown>>;
  }

  class Memory {
    constructor(limits: { initial: number; maximum?: number });
    /** Another one after each growth. */
    readonly buffer: ArrayBuffer;
    grow(pages: number): number;
  }
}
