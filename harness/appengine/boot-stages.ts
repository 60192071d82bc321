import type { BootStage } from "../../reports/events.ts";
import { isEngineGone } from "../engine/engine-error.ts";
import { PvhError } from "../errors.ts";
import type { ErrorCode } from "../../reports/error-codes.ts";
import { debugLog } from "../debug.ts";
import { until } from "../until.ts";

/** One stage of a boot: it is over when `probe` gives something. */
export interface Stage {
  readonly name: BootStage;
  /** Milliseconds this stage may take. */
  readonly deadline: number;
  /** undefined or false: not yet. A string is a detail for the report. */
  readonly probe: () => Promise<string | boolean | undefined>;
  /** In words, what it was that the probe has not found. */
  readonly missing?: () => string;
  /** A boot goes on without an optional stage; its failure is reported all the same. */
  readonly optional?: boolean;
}

export type OnStage = (stage: BootStage, ms: number, ok: boolean, detail?: string) => void;

/** Told of a stage that lasts, every 10 s: its name, and its milliseconds so far. */
export type OnWait = (stage: BootStage, ms: number) => Promise<void>;

/** Milliseconds between two words about a stage that lasts. */
const LASTS = 10_000;

/**
 * Run the stages in order.
 *
 * @param whyNot looks for a reason why this boot cannot work; asked after probes that found
 *        nothing, first at once and then four times a second, so that a hopeless boot ends when the
 *        reason is known, not at a deadline
 * @throws PvhError PVH_NEVER_READY with the stage and the reason, PVH_ABORTED on the signal,
 *         what whyNot throws as soon as it finds the engine or the appengine gone
 */
export async function runStages(
  stages: readonly Stage[],
  options: {
    readonly signal: AbortSignal;
    readonly onStage: OnStage;
    readonly whyNot: () => Promise<string | undefined>;
    readonly onWait?: OnWait | undefined;
  },
): Promise<void> {
  const debug = debugLog("boot");
  const looks = { last: -Infinity };
  for (const stage of stages) {
    const begun = performance.now();
    debug?.(`${stage.name}: begins, at most ${stage.deadline} ms`);
    const outcome = await attempt(stage, options, looks);
    const ms = performance.now() - begun;
    debug?.(`${stage.name}: ${decision(stage, outcome)}, ${Math.round(ms)} ms`);
    if (typeof outcome === "object") {
      options.onStage(stage.name, ms, false, outcome.reason);
      if (isNoFaultOfTheBoot(outcome.error)) throw outcome.error;
      if (stage.optional === true) continue;
      const wait = outcome.error instanceof PvhError ? outcome.error.wait : undefined;
      throw new PvhError(
        "PVH_NEVER_READY",
        `boot stopped at stage '${stage.name}': ${outcome.reason}`,
        {
          hint: "read boot.log and pantavisor.log in the evidence",
          cause: outcome.error,
          ...(wait !== undefined && { wait }),
        },
      );
    }
    options.onStage(stage.name, ms, true, outcome);
  }
}

function decision({ optional }: Stage, outcome: string | undefined | Hopeless): string {
  if (typeof outcome !== "object") return `passed ${outcome ?? ""}`.trimEnd();
  const isOver = optional !== true || isNoFaultOfTheBoot(outcome.error);
  return `${isOver ? "ends the boot" : "passed over"}: ${outcome.reason}`;
}

interface Hopeless {
  readonly reason: string;
  readonly error?: unknown;
}

async function attempt(
  stage: Stage,
  {
    signal,
    whyNot,
    onWait,
  }: {
    readonly signal: AbortSignal;
    readonly whyNot: () => Promise<string | undefined>;
    readonly onWait?: OnWait | undefined;
  },
  looks: { last: number },
): Promise<string | undefined | Hopeless> {
  const begun = performance.now();
  let told = begun;
  try {
    const found = await until(
      `stage '${stage.name}'`,
      async (): Promise<{ detail?: string; hopeless?: Hopeless } | undefined> => {
        let failed: Error | undefined;
        const value = await stage.probe().catch((error: unknown) => {
          failed = error instanceof Error ? error : new Error(String(error));
          return undefined;
        });
        if (typeof value === "string") return { detail: value };
        if (value === true) return {};
        if (performance.now() - looks.last >= LOOK_EVERY) {
          const reason = await whyNot().catch(lost);
          if (typeof reason === "string") return { hopeless: { reason } };
          if (reason !== undefined) return { hopeless: reason };
          looks.last = performance.now();
        }
        if (onWait !== undefined && performance.now() - told >= LASTS) {
          told = performance.now();
          await onWait(stage.name, told - begun);
        }
        if (failed !== undefined) throw failed;
        return undefined;
      },
      { signal, timeout: stage.deadline, every: 15 },
    );
    return found.hopeless ?? found.detail;
  } catch (error) {
    // The appengine may have been lost meanwhile; that explains a missed deadline better.
    const last = await whyNot().catch((why: unknown) => {
      try {
        return lost(why);
      } catch {
        return undefined;
      }
    });
    if (typeof last === "object") return last;
    const waited = error instanceof Error ? error.message : String(error);
    const missing = stage.missing === undefined ? "" : `: ${stage.missing()}`;
    return { reason: last ?? `${waited}${missing}`, error };
  }
}

/**
 * Milliseconds between looks for a reason: they take the time of a machine that is booting. The
 * first comes with the first probe, for a container that did not live that long.
 */
const LOOK_EVERY = 250;

/** Reason to give up when the engine or the container is lost; other errors are thrown on. */
function lost(error: unknown): Hopeless {
  if (error instanceof PvhError && isLoss(error)) return { reason: error.message, error };
  throw error;
}

const LOST: readonly ErrorCode[] = ["PVH_APPENGINE_LOST", "PVH_OUT_OF_MEMORY"];

function isLoss(error: PvhError): boolean {
  return LOST.includes(error.code) || isEngineGone(error);
}

function isNoFaultOfTheBoot(error: unknown): boolean {
  return error instanceof PvhError && (error.code === "PVH_ABORTED" || isLoss(error));
}
