import type { StartContainer } from "./container-type.ts";
import { startLxc } from "./lxc-container.ts";
import { startRunc } from "./runc-container.ts";

const TYPES: ReadonlyMap<string, StartContainer> = new Map([
  ["lxc", startLxc],
  ["runc", startRunc],
]);

/** @throws Error naming a type that nothing starts */
export function containerType(type: string): StartContainer {
  const start = TYPES.get(type);
  if (start === undefined) throw new Error(`no plugin for type '${type}'`);
  return start;
}
