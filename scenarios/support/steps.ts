import type { ContainerBody, ContainerStatus } from "../../broker/shared/formats/control.ts";
import type { Appengine } from "../../harness/appengine/appengine.ts";
import { askBroker } from "../../harness/appengine/ask-broker.ts";
import type { InsideContainer } from "../../harness/appengine/inside.ts";
import type { ControlClient } from "../../harness/control/control-client.ts";
import { PvhError } from "../../harness/errors.ts";
import { until } from "../../harness/until.ts";

/** Wait until `/containers` shows the status; gives the container's whole entry. */
export function waitForStatus(
  control: ControlClient,
  name: string,
  status: ContainerStatus,
  signal: AbortSignal,
  timeout = 15_000,
): Promise<ContainerBody> {
  return until(
    `container '${name}' to be ${status}`,
    async () => {
      const container = await control.container(name, signal);
      return container.status === status && container;
    },
    { signal, timeout },
  );
}

/** Wait until a container that restarts has another init process than `before`. */
export async function waitForNewInit(
  container: InsideContainer,
  before: number,
  signal: AbortSignal,
): Promise<void> {
  await until(
    `another init process in '${container.name}'`,
    async () => {
      const now = await container.pid().catch((error: unknown) => {
        if (error instanceof PvhError && error.code === "PVH_CONTAINER_DOWN") return before;
        throw error;
      });
      return now !== before;
    },
    { signal, timeout: 15_000 },
  );
}

/** Stop and start pv-xconnect by the API, and wait until it has reconciled the graph. */
export async function restartBroker(appengine: Appengine, signal: AbortSignal): Promise<void> {
  const { control, log } = appengine;
  const reconciled = /^Reconciling graph with/;
  const before = (await log.lines()).filter(({ message }) => reconciled.test(message)).length;
  await control.actOnDaemon("pv-xconnect", "stop", signal);
  await until("pv-xconnect to be gone", async () => (await broker(control, signal)) <= 0, {
    signal,
    timeout: 10_000,
  });
  await control.actOnDaemon("pv-xconnect", "start", signal);
  await log.waitFor(reconciled, { count: before + 1, signal, timeout: 10_000 });
  // The line comes before the deed. A broker that does not tell is taken by its line.
  const isDone = async () => ((await askBroker(appengine, signal))?.reconciles ?? 1) > 0;
  await until("the graph to be reconciled", isDone, { signal, timeout: 10_000 });
}

async function broker(control: ControlClient, signal: AbortSignal): Promise<number> {
  return (await control.daemons(signal)).find(({ name }) => name === "pv-xconnect")?.pid ?? 0;
}
