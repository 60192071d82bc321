import { connectedEngines } from "../engine/connected.ts";
import { ownerName } from "../engine/labels.ts";

/**
 * Remove all that this process and its workers have made, on every engine it has talked to.
 * @param signal ends the removal
 * @returns what is left, in words; undefined when it is nothing
 */
export async function removeOwn(signal: AbortSignal): Promise<string | undefined> {
  const engines = connectedEngines();
  if (engines.length === 0) return undefined;
  const { describeLeft, reap } = await import("../engine/reaper.ts");
  const owner = ownerName();
  const words = engines.map(async (engine): Promise<string[]> => {
    try {
      const { left } = await reap(engine, { kind: "owner", owner }, { signal });
      return left.length === 0 ? [] : [describeLeft(left)];
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      return [`whatever at ${engine.host} has the label pvh.owner=${owner} (${why})`];
    }
  });
  const left = (await Promise.all(words)).flat();
  return left.length === 0 ? undefined : left.join(", ");
}
