import type { HostModules } from "../host-function.ts";

/** An import of a module. */
export interface GuestImport {
  readonly module: string;
  readonly name: string;
  /** `function`, `memory`, `table`, `global` or `tag`. */
  readonly kind: string;
}

/** A WebAssembly engine. All calls block until the guest is done. */
export interface Engine {
  /** @throws GuestFailure for bytes that are no module */
  load(bytes: Buffer): LoadedModule;
}

export interface LoadedModule {
  readonly imports: readonly GuestImport[];
  /**
   * Link the module and run its start section.
   * @throws GuestFailure
   */
  instantiate(modules: HostModules): Instance;
}

export interface Instance {
  /**
   * Run `_start`, as a command of preview 1; it returns when the guest does not exit by itself.
   * @throws GuestFailure for a trap, and for a module without `_start`
   */
  run(): void;
}
