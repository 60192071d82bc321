import { text } from "node:stream/consumers";
import type Docker from "dockerode";
import type { ContainerInspectInfo } from "dockerode";
import type { Engine } from "../engine/engine.ts";
import { engineError, isEngineGone, isNotFound } from "../engine/engine-error.ts";
import { silentEngine } from "../engine/silent-engine.ts";
import { PvhError } from "../errors.ts";
import { within } from "../within.ts";
import { killedBy, restartedSince } from "./engine-events.ts";

const TIMEOUT = 3_000;

/**
 * Reason why an appengine cannot be judged any more: the engine does not answer, or somebody has
 * removed, stopped or paused the container or its volume, or the OOM killer has ended it.
 *
 * @returns undefined for one that runs, and for one that has ended by itself: that is its own doing
 */
export async function whyLost(
  { docker, host }: Engine,
  id: string,
  name: string,
): Promise<PvhError | undefined> {
  const limit = AbortSignal.timeout(TIMEOUT);
  const silent = (): Error => silentEngine(host, TIMEOUT / 1_000);
  try {
    return await within(limit, inspected(docker, id, name), silent);
  } catch (error) {
    const why = engineError(error, name);
    return isEngineGone(why) || limit.aborted ? why : undefined;
  }
}

async function inspected(docker: Docker, id: string, name: string): Promise<PvhError | undefined> {
  let facts: ContainerInspectInfo;
  try {
    facts = await docker.getContainer(id).inspect();
  } catch (error) {
    if (isNotFound(error)) return lost(`the appengine ${name} was removed by somebody else`);
    throw error;
  }
  const { State: state, HostConfig: host } = facts;
  if (["removing", "dead"].includes(state.Status)) {
    return lost(`the appengine ${name} was removed by somebody else`);
  }
  if (state.Running) {
    if (state.Paused) return lost(`the appengine ${name} was paused by somebody else`);
    const volume = await missingVolume(docker, facts);
    if (volume === undefined) return undefined;
    return lost(`the volume ${volume} of the appengine ${name} was removed by somebody else`);
  }
  if (state.OOMKilled) {
    const limit = host.Memory ?? 0;
    const memory = limit > 0 ? `its limit of ${Math.round(limit / 2 ** 20)} MiB` : "the machine's";
    return new PvhError(
      "PVH_OUT_OF_MEMORY",
      `the appengine ${name} was ended by the OOM killer: ${memory} memory was used up`,
      { hint: "pvh doctor shows the memory; use fewer --jobs" },
    );
  }
  const events = await recentEvents(docker);
  const signal = killedBy(events, id);
  if (signal !== undefined) {
    return lost(`the appengine ${name} was stopped by somebody else (signal ${signal})`);
  }
  return restartedSince(events, id)
    ? lost(`the engine was restarted, and stopped the appengine ${name}`)
    : undefined;
}

function lost(message: string): PvhError {
  return new PvhError("PVH_APPENGINE_LOST", message, {
    hint: "docker events shows what acts on containers; run again",
  });
}

async function missingVolume(
  docker: Docker,
  { Mounts: mounts }: ContainerInspectInfo,
): Promise<string | undefined> {
  const names = mounts.flatMap(({ Type, Name }) => (Type === "volume" && Name ? [Name] : []));
  const missing = await Promise.all(
    names.map((volume) =>
      docker
        .getVolume(volume)
        .inspect()
        .then(
          () => false,
          (error: unknown) => isNotFound(error),
        ),
    ),
  );
  return names.find((_, index) => missing[index]);
}

/** Events that the engine remembers; without `until`, now by its clock, it would wait for more. */
async function recentEvents(docker: Docker): Promise<string> {
  const { SystemTime: now } = (await docker.info()) as { SystemTime: string };
  const until = Date.parse(now) / 1000;
  const stream = await docker.getEvents({ since: 0, until });
  return text(stream);
}
