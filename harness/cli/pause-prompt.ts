import { createInterface } from "node:readline";
import type { RecordedEvent } from "../../reports/events.ts";
import { letGoOn, pausedAfter } from "../run/pause.ts";
import type { Output } from "./output.ts";

/**
 * Lets paused scenarios go on at the press of Enter, the one that paused first before the others.
 * `heard` is told of each event; `stop` ends it.
 */
export function pausePrompt(folder: string, out: Output) {
  const waiting: { readonly scenario: string; readonly check: string }[] = [];
  const lines = createInterface({ input: process.stdin });
  lines.on("line", () => {
    const next = waiting.shift();
    if (next !== undefined) letGoOn(folder, next.scenario, next.check);
  });
  return {
    heard(event: RecordedEvent): void {
      if (event.type !== "note" || event.scenario === undefined) return;
      const check = pausedAfter(event.text);
      if (check === undefined) return;
      waiting.push({ scenario: event.scenario, check });
      out.say("press Enter to go on");
    },
    stop(): void {
      lines.close();
    },
  };
}
