import * as z from "zod";

/** Engines that pv-wasm has; the library of WasmEdge has to be on the machine. */
export const WASM_ENGINES = ["v8", "wasmedge"] as const;
export type WasmEngine = (typeof WASM_ENGINES)[number];

/** One text for a program: NUL ends a string of C. */
const word = z.string().regex(/^[^\0]*$/, "must not hold a NUL");

/**
 * The object `wasm` of run.json: what a container of type wasm is started with, and its limits
 * (docs/wasm.md).
 */
export const wasmOptions = z.object({
  /** Engine; default: that of the appengine, PVH_WASM_ENGINE. */
  engine: z.enum(WASM_ENGINES).optional(),
  /** Arguments after the program's name, which is the container's. */
  args: z.array(word).default([]),
  env: z.record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/), word).default({}),
  /** Pages of 64 KiB that its memory may have. */
  memory_pages: z.number().int().min(1).max(32_768).default(1024),
  /** Elements that each of its tables may have. */
  table_elements: z.number().int().min(0).max(10_000_000).default(100_000),
  /** Seconds to compile and instantiate it, its start section included. */
  start_timeout: z.number().int().min(1).max(300).default(30),
  /** Seconds that it has from the request to stop; five is what any container has. */
  stop_timeout: z.number().int().min(0).max(5).default(5),
});
export type WasmOptions = z.infer<typeof wasmOptions>;

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
