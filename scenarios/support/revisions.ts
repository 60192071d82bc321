import { reasonOf } from "../../harness/control/control-client.ts";
import type { ControlClient } from "../../harness/control/control-client.ts";
import { expect } from "../../harness/facts/expect.ts";
import { until } from "../../harness/until.ts";

/** A state by its keys: documents, and names of objects. */
export type State = Record<string, unknown>;

/** Fields of a step's progress. */
export type Progress = Readonly<Record<string, string>>;

/** State of the revision that runs. */
export async function currentState(control: ControlClient, signal: AbortSignal): Promise<State> {
  return (await control.json("/steps/current", signal)) as State;
}

/** Send a document; gives the status of the reply, and the reason in its body. */
export async function send(
  control: ControlClient,
  method: string,
  path: string,
  document: object,
  signal: AbortSignal,
): Promise<[status: number, reason: string]> {
  const reply = await control.send(method, path, { body: JSON.stringify(document), signal });
  return [reply.status, reasonOf(reply)];
}

/** Put a step, which does not run yet. */
export async function install(
  control: ControlClient,
  name: string,
  state: State,
  signal: AbortSignal,
): Promise<void> {
  expect(
    await send(control, "PUT", `/steps/${name}`, state, signal),
    `reply to the PUT of the step ${name}`,
  ).toEqual([200, ""]);
  expect(
    (await readProgress(control, name, signal))["status"],
    "status of the step before it runs",
  ).toBe("NEW");
}

/** A command of the user, which pantavisor takes. */
export async function command(
  control: ControlClient,
  op: string,
  payload: string,
  signal: AbortSignal,
): Promise<void> {
  expect(
    await send(control, "POST", "/commands", { op, payload }, signal),
    `reply to the command ${op} ${payload}`,
  ).toEqual([200, ""]);
}

export async function readProgress(
  control: ControlClient,
  name: string,
  signal: AbortSignal,
): Promise<Progress> {
  return (await control.json(`/steps/${name}/progress`, signal)) as Progress;
}

/**
 * Wait for a step's status, also across a reboot, during which pv-ctrl does not answer; gives the progress
 * with that status. To ask again may meet the reboot that follows.
 */
export function progress(
  control: ControlClient,
  name: string,
  status: string,
  signal: AbortSignal,
  timeout = 20_000,
): Promise<Progress> {
  return until(
    `step ${name} to be ${status}`,
    async () => {
      const found = await readProgress(control, name, signal);
      if (found["status"] !== status) throw new Error(`it is ${JSON.stringify(found["status"])}`);
      return found;
    },
    { signal, timeout },
  );
}

/** Wait until a revision runs again, after another that has failed. */
export async function rolledBack(
  control: ControlClient,
  revision: string,
  signal: AbortSignal,
): Promise<void> {
  await until(
    `revision ${revision} to be READY again`,
    async () => {
      const meta = (await control.json("/device-meta", signal)) as State;
      const { "pantavisor.revision": runs, "pantavisor.status": status } = meta;
      if (runs === revision && status === "READY") return true;
      throw new Error(`revision ${JSON.stringify(runs)} is ${JSON.stringify(status)}`);
    },
    { signal, timeout: 20_000 },
  );
}
