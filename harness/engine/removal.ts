import type Docker from "dockerode";
import { within } from "../within.ts";
import { engineError, isConflict, isNotFound } from "./engine-error.ts";

/** What became of one removal: `gone` is what somebody else has removed. */
export type Removal = "removed" | "gone" | { readonly why: string };

/** `docker rm --force --volumes`; a removal by somebody else is waited for. */
export async function removeContainer(
  docker: Docker,
  id: string,
  signal: AbortSignal,
): Promise<Removal> {
  const container = docker.getContainer(id);
  return attempt(
    signal,
    () => container.remove({ force: true, v: true }),
    () => container.wait({ condition: "removed" }),
  );
}

/** @returns why, for a volume that some container uses */
export async function removeVolume(
  docker: Docker,
  name: string,
  signal: AbortSignal,
): Promise<Removal> {
  return attempt(signal, () => docker.getVolume(name).remove());
}

/** @param ended waits for the end of what another client has begun, where the engine can */
async function attempt(
  signal: AbortSignal,
  remove: () => Promise<unknown>,
  ended?: () => Promise<unknown>,
): Promise<Removal> {
  const late = (): Error => new Error("the engine has not done it in time");
  // A request would be carried out after nobody waits for it any more, which is all the better.
  try {
    await within(signal, remove(), late);
    return "removed";
  } catch (error) {
    if (isNotFound(error)) return "gone";
    if (!isConflict(error) || ended === undefined) return { why: whyOf(error) };
  }
  try {
    await within(signal, ended(), late);
    return "gone";
  } catch (error) {
    return isNotFound(error) ? "gone" : { why: whyOf(error) };
  }
}

function whyOf(error: unknown): string {
  // Only the engine's own words: the name is told beside them.
  return engineError(error, "").message.replace(/^: /, "");
}
