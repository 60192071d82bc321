import { parseTimeScale } from "./lifecycle/clock.ts";
import { isUp } from "./lifecycle/container-state.ts";
import type { ContainerState } from "./lifecycle/container-state.ts";

/** Milliseconds that 029-32 stands still before each stop (docs/pantavisor.md §4.6). */
const STANDSTILL = 5_000;

/** Stop this thread, and so all of pantavisor, before a container that runs is stopped. */
export function standStill(state: ContainerState | undefined): void {
  if (state === undefined || !isUp(state)) return;
  const scale = parseTimeScale(process.env["PVH_TIME_SCALE"]);
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, STANDSTILL / scale);
}
