import { AppengineContainer } from "../appengine/appengine-container.ts";
import type { Appengine } from "../appengine/appengine.ts";
import { STORAGE } from "../appengine/layout.ts";
import type { Engine } from "../engine/engine.ts";
import { bootSource } from "../exports/boot-source.ts";
import type { Wanted } from "../exports/examples.ts";

interface BootOptions {
  readonly signal: AbortSignal;
  /** `containers` where one of them ends, and so does not stay at its goal. */
  readonly until?: "ready" | "containers";
}

/** @param use gets the seconds between the container's start and READY */
export async function booted<T>(
  engine: Engine,
  image: string,
  containers: readonly Wanted[],
  { signal, until = "ready" }: BootOptions,
  use: (appengine: Appengine, ready: number) => T | Promise<T>,
): Promise<T> {
  const source = await bootSource(engine, { image, reference: true }, containers, { signal });
  const started = await new AppengineContainer(source.image)
    .withExports(...source.exports)
    .withEngine(engine)
    .start({ signal, until });
  try {
    return await use(
      started.appengine,
      await secondsToReady(engine, started.getId(), started.appengine),
    );
  } finally {
    await started.stop();
  }
}

/** Seconds between the start of a reference appengine with these containers and READY. */
export function secondsToBoot(
  engine: Engine,
  image: string,
  containers: readonly Wanted[],
  signal: AbortSignal,
): Promise<number> {
  return booted(engine, image, containers, { signal }, (_appengine, ready) => ready);
}

/** pantavisor writes its status when it changes: the file's time is when it became READY. */
async function secondsToReady(engine: Engine, id: string, appengine: Appengine): Promise<number> {
  const { State } = await engine.docker.getContainer(id).inspect();
  const file = `${STORAGE}/cache/devmeta/pantavisor.status`;
  const { stdout } = await appengine.sh(`stat -c %.6Y ${file}`);
  return Number(stdout) - Date.parse(State.StartedAt) / 1000;
}
