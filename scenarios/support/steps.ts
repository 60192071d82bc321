import type { ContainerBody, ContainerStatus } from "../../broker/shared/formats/control.ts";
import type { Appengine } from "../../harness/appengine/appengine.ts";
import { askBroker } from "../../harness/appengine/ask-broker.ts";
import type { InsideContainer } from "../../harness/appengine/inside.ts";
import { restartBroker as restart } from "../../harness/appengine/restart-broker.ts";
import { clock } from "../../harness/clock/clock.ts";
import type { ControlClient } from "../../harness/control/control-client.ts";
import { PvhError } from "../../harness/errors.ts";
import { until } from "../../harness/until.ts";
import { BrokerByHand } from "./broker-by-hand.ts";

/** Milliseconds on the wall in which 029-32's broker, which asks for the graph every 5 s, has asked twice. */
const TWO_POLLS = 11_000;

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
      if (container.status !== status) throw new Error(`it is ${container.status}`);
      return container;
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
      try {
        if ((await container.pid()) === before) return false;
        // A container that is being stopped can have another process than its init for a moment.
        await container.text(":");
        return true;
      } catch (error) {
        if (error instanceof PvhError && error.code === "PVH_CONTAINER_DOWN") return false;
        throw error;
      }
    },
    { signal, timeout: 15_000 },
  );
}

/** Milliseconds after which a look at pv-ctrl is given up: a pantavisor that goes down answers nobody. */
const LOOK = 2_000;

/**
 * Wait until a container that has crashed is not STARTED any more, or pantavisor takes the system down.
 * @param isDown whether it does
 */
export async function waitForCrash(
  control: ControlClient,
  name: string,
  isDown: () => Promise<boolean>,
  signal: AbortSignal,
): Promise<void> {
  const status = (): Promise<string | undefined> =>
    control.container(name, AbortSignal.any([signal, AbortSignal.timeout(LOOK)])).then(
      (container) => container.status,
      () => undefined,
    );
  await until(
    `the crash of '${name}' to be seen`,
    async () => (await isDown()) || !["STARTED", undefined].includes(await status()),
    { signal, timeout: 15_000 },
  );
}

/**
 * Stop and start pv-xconnect by the API, and wait until it has reconciled the graph. A broker that
 * has no status socket is given the time of two polls: it may hold its lines back in a buffer.
 */
export async function restartBroker(appengine: Appengine, signal: AbortSignal): Promise<void> {
  const tells = (await askBroker(appengine, signal)) !== undefined;
  await restart(appengine, signal);
  if (tells) {
    const isDone = async () => ((await askBroker(appengine, signal))?.reconciles ?? 0) > 0;
    await until("the graph to be reconciled", isDone, { signal, timeout: 10_000 });
    return;
  }
  const started = clock.stopwatch();
  const hasPolled = (): Promise<boolean> => Promise.resolve(started.wall > TWO_POLLS);
  await until("two polls of the broker", hasPolled, { signal, timeout: 2 * TWO_POLLS });
}

/**
 * Wait for a line of the broker. One that is not in the log, because the broker holds it in a
 * buffer, is expected of a broker that is run by hand; what that one has replaced is planted anew.
 */
export async function brokerPrints(
  appengine: Appengine,
  pattern: RegExp,
  signal: AbortSignal,
): Promise<void> {
  const logged = appengine.log.waitFor(pattern, { signal, timeout: 8_000 });
  if (await logged.then(() => true, lateAlone)) return;
  await using broker = await BrokerByHand.start(appengine);
  await broker.program.linesUntil(pattern, 10_000);
  await broker.end();
  await restartBroker(appengine, signal);
}

/**
 * Pid of pv-xconnect, once the process that /daemons names is it: a daemon that is being started again is
 * another process first, on some Pantavisors.
 */
export async function runningBroker(
  appengine: Appengine,
  signal: AbortSignal,
): Promise<number | false> {
  const daemons = await appengine.control.daemons(signal);
  const pid = daemons.find(({ name }) => name === "pv-xconnect")?.pid ?? 0;
  return pid > 0 && (await commandOf(appengine, pid)).includes("pv-xconnect") && pid;
}

/** Command line of a process; empty when there is none. */
export function commandOf(appengine: Appengine, pid: number): Promise<string> {
  return appengine.text(`{ tr '\\0' ' ' </proc/${pid}/cmdline; } 2>/dev/null; :`);
}

/** Words of an error, whichever program says it, and the name of one. */
const WRONG = /fail|could not|cannot|denie[ds]|refus|error|not permitted|read-only/i;
const ERRNO = /\bE[A-Z]{3,}\b/;

/**
 * Restart pv-xconnect, and wait for a line that names all of these and says that something is wrong with it,
 * in whatever words. Lines from before count for nothing: what was wrong then may be mended.
 */
export async function complainsAfterRestart(
  appengine: Appengine,
  all: readonly (readonly string[])[],
  signal: AbortSignal,
): Promise<void> {
  const before = (await appengine.log.lines()).length;
  await restartBroker(appengine, signal);
  for (const names of all) {
    await until(
      `a line of pantavisor.log that says what is wrong with ${names.join(" and ")}`,
      async () => {
        const lines = (await appengine.log.lines()).slice(before);
        const isOne = (line: string) =>
          names.every((name) => line.includes(name)) && (WRONG.test(line) || ERRNO.test(line));
        return lines.some(({ message }) => isOne(message));
      },
      { signal, timeout: 8_000 },
    );
  }
}

/** @throws any other error than that a wait was in vain */
function lateAlone(error: unknown): false {
  if (error instanceof PvhError && error.code === "PVH_TIMEOUT") return false;
  throw error;
}
