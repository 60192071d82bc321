import { renderedRaw } from "./printable.ts";
import type { RunState } from "./run-state.ts";

/** Render a report of the run; under the quirk with bytes of containers as they are. */
export function rendered<T>({ started }: RunState, render: () => T): T {
  return started?.quirks.includes("report-raw") === true ? renderedRaw(render) : render();
}
