import { lastWords } from "../engine/last-words.ts";
import { PvhError } from "../errors.ts";
import type { CommandResult } from "./command-result.ts";
import type { AppengineShell } from "./appengine-shell.ts";

/** Milliseconds for each question; the answer is for a message. */
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
  const states = await lxcStates(appengine);
  const state = states.get(name);
  if (state === "RUNNING" && refused === undefined) return undefined;
  const words = refused === undefined ? "" : lastWords(refused.stderr);
  if (state === "RUNNING") {
    const missing = refused?.exitCode === 126 || refused?.exitCode === 127;
    return missing
      ? new PvhError("PVH_NO_PROGRAM", `container '${name}' cannot start the command${words}`)
      : new PvhError("PVH_CONTAINER_DOWN", `container '${name}' could not be entered${words}`);
  }
  const statuses = await controlStatuses(appengine);
  const status = statuses.get(name);
  if (state !== undefined || status !== undefined) {
    const both = [state, status && `pv-ctrl says ${status}`].filter(Boolean).join(", ");
    return new PvhError("PVH_CONTAINER_DOWN", `container '${name}' does not run (${both})${words}`);
  }
  const there = [...new Set([...states.keys(), ...statuses.keys()])].sort();
  const list = there.length === 0 ? "there is none" : `there are ${there.join(", ")}`;
  return new PvhError("PVH_NO_CONTAINER", `no container is named '${name}': ${list}`, {
    hint: "a scenario names its containers in `containers`",
  });
}

/** States of the containers in LXC, by name. */
async function lxcStates(appengine: AppengineShell): Promise<Map<string, string>> {
  const { stdout } = await appengine.sh("lxc-ls -f -F NAME,STATE", { timeout: TIMEOUT });
  const rows = stdout.split("\n").slice(1);
  return new Map(
    rows.flatMap((row) => {
      const [name = "", state = ""] = row.trim().split(/\s+/);
      return name === "" ? [] : [[name, state] as const];
    }),
  );
}

/** Statuses of the containers in pv-ctrl, by name; empty when it does not answer. */
async function controlStatuses({ control }: AppengineShell): Promise<Map<string, string>> {
  const containers = await control.containers(AbortSignal.timeout(TIMEOUT)).catch(() => []);
  return new Map(containers.map(({ name, status }) => [name, status]));
}
