import { EXIT, SIGNAL_EXIT } from "../../reports/exit-codes.ts";
import type { Disturbance } from "./plan.ts";

/** Result of one round. */
export interface Outcome {
  readonly disturbance: Disturbance;
  /** False when the run had ended before its moment, or there was nothing to disturb. */
  readonly disturbed: boolean;
  /** Exit code of the runner, or the signal that ended it. */
  readonly ended: number | NodeJS.Signals;
  /** Milliseconds from the disturbance to the end. */
  readonly ms: number;
  /** True when the runner has begun its record. */
  readonly recorded: boolean;
  /** Problems of junit.xml and summary.json. */
  readonly reports: readonly string[];
  /** Exit code in summary.json. */
  readonly reported: number | undefined;
  /** Exit code of the next command; `left` names the things that it has left behind. */
  readonly next: number;
  readonly left: readonly string[];
}

/** Milliseconds: what docs/exit-codes.md promises of a signal. */
const PROMISE = 10_000;

/** Everything that is not as it is promised. */
export function complaints(outcome: Outcome): string[] {
  const { disturbance, disturbed, ended, ms, recorded, reports, next, left } = outcome;
  const killed = disturbance === "kill-runner" && disturbed;
  const signal = disturbed ? signalOf(disturbance) : undefined;
  // Before main.ts runs, a signal ends Node as it ends any program; nothing is made by then.
  const tooEarly = signal !== undefined && ended === signal && !recorded;
  const right = tooEarly || allowed(outcome, signal).includes(ended);
  return [
    ...(right ? [] : [`it ended with ${ended}`]),
    ...(signal !== undefined && ms > PROMISE ? [`${signal} took ${(ms / 1000).toFixed(1)} s`] : []),
    ...(recorded && !killed && !mayLack(outcome) ? reports : []),
    ...(outcome.reported === undefined || outcome.reported === ended || killed
      ? []
      : [`summary.json says exit code ${outcome.reported}, it was ${ended}`]),
    ...(next === EXIT.pass ? [] : [`the next command ended with ${next}`]),
    ...left.map((thing) => `left after the next command: ${thing}`),
  ];
}

function allowed(
  { disturbance, disturbed }: Outcome,
  signal: keyof typeof SIGNAL_EXIT | undefined,
): readonly (number | NodeJS.Signals)[] {
  if (!disturbed) return [EXIT.pass];
  if (signal !== undefined) return [SIGNAL_EXIT[signal]];
  switch (disturbance) {
    case "kill-runner":
      return ["SIGKILL"];
    case "kill-worker":
      // A worker that had reported everything can die without an effect.
      return [EXIT.pass, EXIT.infra];
    default:
      // The engine's loss is the machine's fault; it does no harm once the engine is not needed.
      return [EXIT.pass, EXIT.infra];
  }
}

/** A full disk may have no room for the reports; the exit code says so. */
function mayLack({ disturbance, disturbed, ended }: Outcome): boolean {
  return disturbance === "full-disk" && disturbed && ended === EXIT.infra;
}

function signalOf(disturbance: Disturbance): keyof typeof SIGNAL_EXIT | undefined {
  switch (disturbance) {
    case "SIGINT":
    case "SIGTERM":
    case "SIGHUP":
      return disturbance;
    case "freeze-engine+SIGINT":
      return "SIGINT";
    default:
      return undefined;
  }
}
