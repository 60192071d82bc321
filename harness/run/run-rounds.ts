import { setTimeout as delay } from "node:timers/promises";
import type { DiscoveredScenario } from "./discover.ts";
import type { RecordedEvent, RunEvent } from "./events.ts";
import { missingResults } from "./missing-results.ts";
import type { WhyMissing } from "./missing-results.ts";
import { recordedName } from "./run-settings.ts";
import type { RunSettings } from "./run-settings.ts";
import type { Selected } from "./selection.ts";
import type { RoundResult, VitestBridge } from "./vitest-bridge.ts";

/** The record of a run as it grows. */
export interface Journal {
  readonly append: (event: RunEvent) => void;
  /** Everything that is recorded by now, also by workers. */
  readonly events: () => readonly RecordedEvent[];
}

/** What a cancelled round may still take: Ctrl+C ends pvh within 10 s. */
const WIND_DOWN = 7_000;

/**
 * Run everything `repeat` times; try what failed up to `retries` times again. Afterwards every
 * scenario of every round that was begun has a verdict in the journal.
 */
export async function runRounds(
  bridge: VitestBridge,
  selected: readonly Selected<DiscoveredScenario>[],
  settings: RunSettings,
  { repeat, retries }: { readonly repeat: number; readonly retries: number },
  journal: Journal,
  stopped: AbortSignal,
): Promise<void> {
  for (const repetition of repetitions(repeat)) {
    let pending = selected;
    for (let attempt = 1; attempt <= retries + 1 && pending.length > 0; attempt += 1) {
      const round = { repetition, attempt };
      // A repetition that was not begun before the run was cancelled is recorded all the same.
      const result = stopped.aborted
        ? undefined
        : await inTime(
            bridge.round(
              { ...settings, ...round },
              pending.map(({ scenario }) => scenario.name),
              stopped,
            ),
            stopped,
          );
      for (const text of result?.strayErrors ?? []) {
        journal.append({ type: "note", text: `an error that no check caught: ${text}` });
      }
      const why = whyMissing(result, stopped);
      const missing = missingResults(journal.events(), pending, round, why);
      for (const event of missing) journal.append(event);
      if (stopped.aborted) break;
      const events = journal.events();
      pending = pending.filter(({ scenario }) =>
        hasFailed(events, recordedName(scenario.name, repetition)),
      );
    }
  }
}

export function repetitions(repeat: number): number[] {
  return Array.from({ length: repeat }, (_, index) => index + 1);
}

/** The round's result; undefined when it did not end soon after it was cancelled. */
async function inTime(
  round: Promise<RoundResult>,
  stopped: AbortSignal,
): Promise<RoundResult | undefined> {
  const over = new AbortController();
  const patience = new Promise<undefined>((resolve) => {
    const wait = (): void => {
      delay(WIND_DOWN, undefined, { signal: over.signal }).then(
        () => resolve(undefined),
        () => undefined,
      );
    };
    stopped.addEventListener("abort", wait, { once: true, signal: over.signal });
  });
  try {
    return await Promise.race([round, patience]);
  } finally {
    over.abort();
  }
}

function whyMissing(
  result: RoundResult | undefined,
  stopped: AbortSignal,
): (scenario: DiscoveredScenario) => WhyMissing {
  return ({ file }) => {
    if (stopped.aborted) return { reason: reasonOf(stopped) };
    const message = result?.fileErrors.get(file) ?? "its worker ended without a verdict";
    return { failure: { class: "harness", code: "PVH_INTERNAL", message: `${file}: ${message}` } };
  };
}

function reasonOf(stopped: AbortSignal): string {
  const reason: unknown = stopped.reason;
  return typeof reason === "string" && !reason.startsWith("SIG") ? reason : "the run was cancelled";
}

function hasFailed(events: readonly RecordedEvent[], name: string): boolean {
  const last = events.findLast(
    (event) => event.type === "scenario.finished" && event.scenario === name,
  );
  return last?.type === "scenario.finished" && last.verdict === "failed";
}
