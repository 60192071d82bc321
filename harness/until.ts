import { setTimeout as delay } from "node:timers/promises";
import { clock } from "./clock/clock.ts";
import { PvhError } from "./errors.ts";
import { Observed } from "./observed.ts";
import type { ErrorCode } from "../reports/error-codes.ts";

export interface UntilOptions {
  readonly signal?: AbortSignal;
  /** Deadline in milliseconds that the machine gives from now, before `--timeout-scale`. */
  readonly timeout: number;
  /** Shortest pause between probes in milliseconds; a long wait makes longer ones. */
  readonly every?: number;
  /** Error at the deadline, where nothing is asked of the product; default PVH_TIMEOUT. */
  readonly code?: ErrorCode;
}

/**
 * Wait until `probe` gives something else than `undefined` or `false`, and return that.
 *
 * The one polling loop of pvh: whatever cannot be awaited as an event is probed here. p-retry
 * counts tries or time of the wall, and this counts the time that the machine gives
 * (docs/adr/0012-given-time.md); what fails and is to be tried a few times again is p-retry's.
 *
 * @param what completes "waited N ms for …" in the error.
 * @throws PvhError at the deadline, with the last error of the probe as cause: PVH_TIMEOUT, or
 *         that error's own code when the machine or the engine kept the probe from looking;
 *         PVH_STARVED when the machine did not give it that time; PVH_ABORTED when the signal
 *         fires.
 */
export async function until<T>(
  what: string,
  probe: () => T | Promise<T>,
  { signal, timeout, every = 25, code = "PVH_TIMEOUT" }: UntilOptions,
): Promise<Exclude<T, undefined | false | null>> {
  using deadline = clock.deadline(timeout * clock.patience);
  using _waiting = opened(what);
  const begun = now();
  const observed = new Observed();
  const look = (one: typeof probe): Promise<T> => observed.during(async () => one());
  let last: unknown;
  for (;;) {
    if (signal?.aborted) throw aborted(what, signal);
    try {
      const value = await look(probe);
      last = undefined;
      if (value !== undefined && value !== false && value !== null) {
        return value as Exclude<T, undefined | false | null>;
      }
    } catch (error) {
      last = error;
    }
    if (deadline.over) break;
    const pause = Math.max(every, Math.min(LONGEST_PAUSE, (now() - begun) * LATE));
    await delay(pause, undefined, { ...(signal && { signal }) }).catch(() => undefined);
  }
  const because = last instanceof Error ? `: ${last.message}` : "";
  const ms = Math.round(deadline.ms);
  const { seen } = observed;
  const wait = { missing: what, ms, ...(seen !== undefined && { seen }) };
  const late = deadline.error(`waited ${ms} ms for ${what}${because}`, last, wait);
  const blame = last instanceof PvhError && last.class === "infra" ? last.code : code;
  if (late.code === "PVH_STARVED" || blame === "PVH_TIMEOUT") throw late;
  throw new PvhError(blame, late.message, { cause: last, wait });
}

const open: string[] = [];

function opened(what: string): Disposable {
  open.push(what);
  return { [Symbol.dispose]: () => void open.splice(open.lastIndexOf(what), 1) };
}

/** The thing that this process has last begun to wait for, and waits for still. */
export function lastWait(): string | undefined {
  return open.at(-1);
}

// Kept before a scenario can put another clock in its place.
const now = performance.now.bind(performance);

/**
 * Probes take the time of the machine that is waited for: one may come late by this part of the wait,
 * and by no more than a tenth of a second, so that what holds for longer is seen.
 */
const LATE = 1 / 16;
const LONGEST_PAUSE = 100;

function aborted(what: string, signal: AbortSignal): PvhError {
  return new PvhError("PVH_ABORTED", `cancelled while waiting for ${what}`, {
    cause: signal.reason,
  });
}
