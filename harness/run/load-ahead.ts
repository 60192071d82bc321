import { stripTypeScriptTypes } from "node:module";
import type { EngineFacts } from "../engine/engine.ts";

/** Environment variable of a process that waits for its scenario, or for a file to load: an Ahead, as JSON. */
export const AHEAD_VARIABLE = "PVH_AHEAD";

/** The part of a scenario that its process may be told before its file. */
export interface Ahead {
  /** The appengine that the scenario is going to use, and its engine. */
  readonly appengine?: { readonly engine: EngineFacts; readonly name: string };
}

/**
 * Load what every scenario loads, and connect to its appengine, where this process waits for its
 * scenario. What fails here fails again when it is used, and is told then.
 */
export async function loadAhead(): Promise<void> {
  const text = process.env[AHEAD_VARIABLE];
  if (text === undefined) return;
  // Programs that the scenario starts get the usual environment.
  Reflect.deleteProperty(process.env, AHEAD_VARIABLE);
  const { appengine } = JSON.parse(text) as Ahead;
  await import("./scenario.ts");
  // Node loads its reader of TypeScript for a file that its compile cache does not have: a changed one.
  stripTypeScriptTypes("");
  if (appengine === undefined) return;
  const { knownEngine } = await import("../engine/find-engine.ts");
  const { connectAhead } = await import("../appengine/attach-appengine.ts");
  connectAhead(knownEngine(appengine.engine), appengine.name);
}
