import type Docker from "dockerode";
import { within } from "../within.ts";
import { engineError, isConflict, isNotFound } from "./engine-error.ts";

/** The outcome of one removal: `gone` means that somebody else had removed it already. */
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

/** @param ended waits until a removal by another client has ended, where the engine can tell */
async function attempt(
  signal: AbortSignal,
  remove: () => Promise<unknown>,
  ended?: () => Promise<unknown>,
): Promise<Removal> {
  const late = (): Error => new Error("the engine has not done it in time");
  // The engine may carry out the request after we stopped waiting, which does no harm.
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
  // The caller prints the name itself, so this gives only the engine's own words.
  return engineError(error, "").message.replace(/^: /, "");
}
