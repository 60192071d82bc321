import type { StartedTestContainer } from "testcontainers";
import type { Engine } from "../engine/engine.ts";
import { engineError } from "../engine/engine-error.ts";
import { PvhError } from "../errors.ts";
import type { BootOptions } from "./appengine.ts";
import { StartedAppengineContainer } from "./started-appengine-container.ts";

/** Part of a boot's deadlines that an appengine has which needs no boot any more. */
const SOON = 0.2;

/**
 * An appengine that another process has booted, as it was after its boot: containers that were
 * stopped through the API run again, and every stage of the boot holds. One of which that cannot be
 * said is removed.
 *
 * @throws PvhError why it cannot be used again
 */
export async function attachAppengine(
  engine: Engine,
  name: string,
  options: Pick<BootOptions, "signal" | "until">,
): Promise<StartedAppengineContainer> {
  const started = (await takeAhead(name)) ?? (await connect(engine, name));
  try {
    await startAgain(started, options.signal);
    await started.appengine.boot("auto", {
      ...options,
      timeoutScale: SOON,
      whyLost: () => started.whyLost(),
    });
    return started;
  } catch (error) {
    await started.stop().catch(() => undefined);
    throw error;
  }
}

const ahead = new Map<string, Promise<StartedAppengineContainer | undefined>>();

/**
 * Open the streams to an appengine before attachAppengine() needs them. They stay open without use, which
 * not every network allows: nothing is done for an engine on another machine.
 */
export function connectAhead(engine: Engine, name: string): void {
  if (!engine.host.startsWith("unix:")) return;
  const connecting = async (): Promise<StartedAppengineContainer> => {
    const started = await connect(engine, name);
    await Promise.all([started.appengine.sh(":", { untold: true }), started.control.containers()]);
    return started;
  };
  ahead.set(
    name,
    connecting().catch(() => undefined),
  );
}

/** @returns undefined when nobody has connected to it, or nobody could */
function takeAhead(name: string): Promise<StartedAppengineContainer | undefined> {
  const connecting = ahead.get(name) ?? Promise.resolve(undefined);
  ahead.delete(name);
  return connecting;
}

/** @throws PvhError of the engine when there is no such container */
async function connect(engine: Engine, name: string): Promise<StartedAppengineContainer> {
  const { Id: id } = await engine.docker
    .getContainer(name)
    .inspect()
    .catch((error: unknown) => {
      throw engineError(error, name);
    });
  return new StartedAppengineContainer(known(id, name), engine);
}

async function startAgain(
  { control }: StartedAppengineContainer,
  signal?: AbortSignal,
): Promise<void> {
  for (const { name, user_stopped: stopped } of await control.containers(signal)) {
    if (stopped !== "true") continue;
    await control.start(name, signal);
  }
}

/** Testcontainers knows the containers that it has started itself, and no others. */
function known(id: string, name: string): StartedTestContainer {
  return new Proxy({ getId: () => id, getName: () => name } as StartedTestContainer, {
    get(target, key): unknown {
      if (Object.hasOwn(target, key)) return Reflect.get(target, key);
      throw new PvhError(
        "PVH_USAGE",
        `${String(key)} is not there on ${name}, which this process has not booted`,
        { hint: "use its appengine, control and inside" },
      );
    },
  });
}
