import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { writeSynced } from "../durable-file.ts";
import type { StateDocument } from "./state-merge.ts";

/** Milliseconds for which the half stays. */
const SHOWN = 300;

/** Show half of a state under its final name for a while. */
export function showHalf(state: StateDocument, folder: string): void {
  const text = JSON.stringify(state);
  mkdirSync(join(folder, ".pvr"), { recursive: true });
  writeSynced(join(folder, ".pvr/json"), text.slice(0, text.length / 2));
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, SHOWN);
}
