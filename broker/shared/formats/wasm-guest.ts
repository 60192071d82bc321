/** Engines that pv-wasm has; the library of WasmEdge has to be on the machine. */
export const WASM_ENGINES = ["v8", "wasmedge"] as const;
export type WasmEngine = (typeof WASM_ENGINES)[number];

/** Bytes of the largest module that is started. */
export const MAX_MODULE_BYTES = 32 * 1024 * 1024;

/** A service that the guest may name in a call: what run.json requires, or services.json exports. */
export interface GuestService {
  readonly name: string;
  /** Undefined for a requirement that states none: then any host module may use it. */
  readonly type?: string | undefined;
  /** Path of the socket in the container. */
  readonly socket: string;
}

/** The task of pv-wasm, which pantavisor writes as JSON into the root of the container. */
export interface WasmGuest {
  readonly name: string;
  /** Engine that runs it. */
  readonly engine: WasmEngine;
  /** Path of the module in the container. */
  readonly module: string;
  /** Pages of 64 KiB that its memory may have. */
  readonly memoryPages: number;
  /** Elements that each of its tables may have. */
  readonly tableElements: number;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly requires: readonly GuestService[];
  readonly provides: readonly GuestService[];
  /** As PVH_QUIRKS. */
  readonly quirks: string;
}

/**
 * Lines that pv-wasm writes to its channel, the socket GUEST_CHANNEL. Pantavisor ends its side of
 * the channel to ask the guest to stop.
 */
export type GuestReport =
  | { readonly type: "started" }
  | { readonly type: "exit"; readonly code: number }
  | { readonly type: "failed"; readonly reason: string };

/** Descriptor of the channel in pv-wasm: the first one that runc preserves. */
export const GUEST_CHANNEL = 3;
