import type { PantavisorLog } from "../../harness/appengine/pantavisor-log.ts";

/** An attempt to start a crashed container again, as the log announces it. */
export interface Attempt {
  readonly attempt: number;
  /** max_retries. */
  readonly limit: number;
  /** Delay before it, before PVH_TIME_SCALE. */
  readonly seconds: number;
}

/** All attempts that were announced for a container so far. */
export async function attemptsOf(log: PantavisorLog, container: string): Promise<Attempt[]> {
  const announced = new RegExp(
    `^platform '${container}' crashed\\. Attempting auto-recovery \\(attempt (\\d+)/(\\d+)\\) in (\\d+) seconds`,
  );
  return (await log.lines()).flatMap(({ message }) => {
    const [, attempt, limit, seconds] = announced.exec(message) ?? [];
    if (attempt === undefined) return [];
    return [{ attempt: Number(attempt), limit: Number(limit), seconds: Number(seconds) }];
  });
}

/** Delays of the first cycle: up to where the count begins again. */
export async function firstDelays(log: PantavisorLog, container: string): Promise<number[]> {
  const all = await attemptsOf(log, container);
  const second = all.findIndex(({ attempt }, index) => index > 0 && attempt === 1);
  return all.slice(0, second === -1 ? undefined : second).map(({ seconds }) => seconds);
}
