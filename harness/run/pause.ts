import { existsSync, watch, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Beginning of the note of a scenario that waits for a person. */
const PAUSED = "paused: ";

/** File by which the terminal lets a scenario go on. */
function goOnFile(folder: string, scenario: string, check: string): string {
  return join(folder, `.go-on.${scenario}.${check.replaceAll(/[^\w.-]/g, "_")}`);
}

/** Wait until somebody lets the scenario go on, or the signal fires. */
export async function pauseFor(
  folder: string,
  scenario: string,
  check: string,
  signal: AbortSignal,
): Promise<void> {
  const file = goOnFile(folder, scenario, check);
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const goOn = (): void => resolve(undefined);
  const looking = watch(folder, () => existsSync(file) && goOn());
  signal.addEventListener("abort", goOn, { once: true });
  // It may have come before the watcher.
  if (signal.aborted || existsSync(file)) goOn();
  await promise;
  looking.close();
  signal.removeEventListener("abort", goOn);
}

/** Let a scenario go on that has paused after a check. */
export function letGoOn(folder: string, scenario: string, check: string): void {
  writeFileSync(goOnFile(folder, scenario, check), "");
}

/** The note of a pause: which check, which appengine. */
export function pauseNote(check: string, appengine: string): string {
  return `${PAUSED}${check} failed on ${appengine}; pvh enter ${appengine} CONTAINER looks inside`;
}

/** @returns the check after which a scenario has paused; undefined for any other note */
export function pausedAfter(note: string): string | undefined {
  return note.startsWith(PAUSED)
    ? /^(\S+) failed on /.exec(note.slice(PAUSED.length))?.[1]
    : undefined;
}
