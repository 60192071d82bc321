import * as z from "zod";

/** An event of the engine (Engine API, "Monitor events"), as far as it is read here. */
const event = z.object({
  Action: z.string(),
  Actor: z.object({ ID: z.string(), Attributes: z.record(z.string(), z.string()).nullish() }),
});

/** The engine keeps so many events in memory, and begins anew when it starts. */
const MAX_EVENTS = 256;

/** Signal that a client of the engine has sent to the container; undefined when none is known. */
export function killedBy(events: string, id: string): string | undefined {
  const kill = parse(events).findLast(({ Action, Actor }) => Action === "kill" && Actor.ID === id);
  return kill === undefined ? undefined : (kill.Actor.Attributes?.["signal"] ?? "unknown");
}

/**
 * True when the engine has started after the container: it has forgotten the container's start,
 * though it has not had so many events that it had to.
 */
export function restartedSince(events: string, id: string): boolean {
  const all = parse(events);
  if (all.length >= MAX_EVENTS) return false;
  return !all.some(({ Action, Actor }) => Action === "start" && Actor.ID === id);
}

/** @param events JSON objects, one a line */
function parse(events: string): z.infer<typeof event>[] {
  return events.split("\n").flatMap((line) => {
    try {
      return [event.parse(JSON.parse(line))];
    } catch {
      return [];
    }
  });
}
