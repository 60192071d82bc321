import type { Engine } from "./engine.ts";

const engines = new Map<string, Engine>();

/** Note an engine that has answered: everything that this process makes is on a noted engine. */
export function noteConnected(engine: Engine): void {
  engines.set(engine.host, engine);
}

/** The engines that this process has talked to. */
export function connectedEngines(): readonly Engine[] {
  return [...engines.values()];
}
