import type { Quirks } from "../../shared/quirks/quirks.ts";
import type { WasmSettings } from "./container-start.ts";

/** Engines that pv-wasm has. */
const ENGINES = ["v8"];

/**
 * @throws Error on a machine of the armv7 family, for which Pantavisor leaves WasmEdge out
 *         (`PANTAVISOR_FEATURES:remove:armv7ve`), and for an engine that is not there
 */
export function refuseWithoutEngine({ engine, machine }: WasmSettings, quirks: Quirks): void {
  if (machine.startsWith("armv7") && !quirks.has("wasm-armv7")) {
    throw new Error(`no WebAssembly engine on ${machine}: armv7ve is built without the feature`);
  }
  if (ENGINES.includes(engine)) return;
  throw new Error(`no WebAssembly engine '${engine}': PVH_WASM_ENGINE may be ${ENGINES.join()}`);
}
