import { WASM_ENGINES } from "../../shared/formats/wasm-guest.ts";
import type { WasmEngine } from "../../shared/formats/wasm-guest.ts";
import type { Quirks } from "../../shared/quirks/quirks.ts";
import type { WasmSettings } from "./container-start.ts";

/**
 * The engine of a container.
 * @param chosen engine that run.json names
 * @throws Error on a machine of the armv7 family, for which Pantavisor leaves WasmEdge out
 *         (`PANTAVISOR_FEATURES:remove:armv7ve`), and for an engine that is none
 */
export function engineOf(
  { engine, machine }: WasmSettings,
  chosen: WasmEngine | undefined,
  quirks: Quirks,
): WasmEngine {
  if (machine.startsWith("armv7") && !quirks.has("wasm-armv7")) {
    throw new Error(`no WebAssembly engine on ${machine}: armv7ve is built without the feature`);
  }
  if (chosen !== undefined) return quirks.has("wasm-engine-ignored") ? "v8" : chosen;
  const known = WASM_ENGINES.find((name) => name === engine);
  if (known !== undefined) return known;
  const names = WASM_ENGINES.join(" or ");
  throw new Error(`no WebAssembly engine '${engine}': PVH_WASM_ENGINE may be ${names}`);
}
