import { ourContainers } from "../appengine/held.ts";
import type { OurContainer } from "../appengine/held.ts";
import type { Engine } from "../engine/engine.ts";

/** Containers in use by other processes, or possibly so: those of other machines are unknown. */
export async function livingUsers(engine: Engine): Promise<OurContainer[]> {
  return (await ourContainers(engine)).filter(({ inUse }) => inUse);
}

/** Names the user of a container. */
export function userOf({ run, held }: OurContainer): string {
  if (held) return "the pvh up that starts it";
  return run === "" ? "a pvh that lives" : `run ${run}`;
}
