import { lastWords } from "../engine/last-words.ts";
import { PvhError } from "../errors.ts";
import { didYouMean } from "../near-names.ts";
import type { CommandResult } from "./command-result.ts";
import type { AppengineShell } from "./appengine-shell.ts";
import { findInit, runningContainers } from "./container-init.ts";

/** Milliseconds for the question to pv-ctrl; the answer is for a message. */
const TIMEOUT = 5_000;

/**
 * Reason why a container cannot be entered: it is not there, which is the scenario's mistake, or it
 * does not run (any more), which is the appengine's.
 *
 * @param refused result of the command that did not get in
 * @returns undefined when it runs and nothing was refused
 */
export async function whyNotEntered(
  appengine: AppengineShell,
  name: string,
  refused: CommandResult | undefined,
): Promise<PvhError | undefined> {
  const running = await runningContainers(appengine);
  const words = refused === undefined ? "" : lastWords(refused.stderr);
  if ((await findInit(appengine, name)) !== undefined) {
    if (refused === undefined) return undefined;
    return refused.exitCode === 126 || refused.exitCode === 127
      ? new PvhError("PVH_NO_PROGRAM", `container '${name}' cannot start the command${words}`)
      : new PvhError("PVH_CONTAINER_DOWN", `container '${name}' could not be entered${words}`);
  }
  const statuses = await controlStatuses(appengine);
  const status = statuses?.get(name);
  if (statuses === undefined || status !== undefined) {
    const says = status === undefined ? "pv-ctrl does not answer" : `pv-ctrl says ${status}`;
    return new PvhError("PVH_CONTAINER_DOWN", `container '${name}' does not run (${says})${words}`);
  }
  const there = [...new Set([...running, ...statuses.keys()])].sort();
  const list = there.length === 0 ? "there is none" : `there are ${there.join(", ")}`;
  return new PvhError("PVH_NO_CONTAINER", `no container is named '${name}': ${list}`, {
    hint: didYouMean(name, there) ?? "a scenario names its containers in `containers`",
  });
}

/** Statuses of the containers in pv-ctrl, by name; undefined when it does not answer. */
async function controlStatuses({
  control,
}: AppengineShell): Promise<Map<string, string> | undefined> {
  const containers = await control.containers(AbortSignal.timeout(TIMEOUT)).catch(() => undefined);
  return containers && new Map(containers.map(({ name, status }) => [name, status]));
}
