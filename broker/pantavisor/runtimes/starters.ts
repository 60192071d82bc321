import type { ContainerType } from "../../shared/formats/run-manifest.ts";
import type { StartContainer } from "./container-start.ts";
import { startLxc } from "./lxc-container.ts";
import { startRunc } from "./runc-container.ts";
import { startWasm } from "./wasm-container.ts";

const STARTERS: Readonly<Record<ContainerType, StartContainer>> = {
  lxc: startLxc,
  runc: startRunc,
  wasm: startWasm,
};
const STARTER_BY_NAME: ReadonlyMap<string, StartContainer> = new Map(Object.entries(STARTERS));

/** @throws Error naming a type that nothing starts */
export function starterOf(type: string): StartContainer {
  const start = STARTER_BY_NAME.get(type);
  if (start === undefined) throw new Error(`no plugin for type '${type}'`);
  return start;
}
