import * as z from "zod";
import { WASM_ENGINES } from "./wasm-guest.ts";

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
