import { Readable } from "node:stream";
import { pack } from "tar-stream";
import type { Appengine } from "../appengine/appengine.ts";
import { restartBroker } from "../appengine/restart-broker.ts";
import type { Engine } from "../engine/engine.ts";
import { entry } from "../image/layer.ts";
import type { ProgramBundles } from "../image/program-bundles.ts";
import { programFilesWith } from "../image/program-layer.ts";
import { readMains } from "../image/sources.ts";
import { until } from "../until.ts";

/** Programs of the reference as the clone makes them, by their path in the image; without their library. */
export type Programs = ReadonlyMap<string, { readonly content: Buffer; readonly mode: number }>;

/**
 * @param changed absolute paths of the files that have changed since the last time; default any
 * @throws PvhError PVH_BUILD for sources that do not bundle
 */
export async function programsOfClone(
  bundles: ProgramBundles,
  changed?: readonly string[],
): Promise<Programs> {
  const files = await programFilesWith(bundles, await readMains(), undefined, changed);
  return new Map(
    files.flatMap(({ path, content, executable }) =>
      Buffer.isBuffer(content) && !path.endsWith(".node")
        ? [[path, { content, mode: executable === true ? 0o755 : 0o644 }]]
        : [],
    ),
  );
}

/** Paths of the programs that differ. V8's code of a program differs where its text does. */
export function changedPrograms(before: Programs, after: Programs): string[] {
  const isOther = (path: string): boolean => {
    const content = after.get(path)?.content;
    return content === undefined || before.get(path)?.content.equals(content) !== true;
  };
  return [...after.keys()].filter((path) => isOther(path.replace(/\.cache$/, ".cjs")));
}

/** Milliseconds in which a program has to run again. */
const RESTART = 20_000;

/**
 * Put changed programs into an appengine that runs, and start anew what runs them.
 * @returns false when that takes a new boot: PID 1 itself has changed
 */
export async function replacePrograms(
  engine: Engine,
  appengine: Appengine,
  programs: Programs,
  changed: readonly string[],
  signal: AbortSignal,
): Promise<boolean> {
  const isOf = (path: string, ...names: string[]): boolean =>
    names.some((name) => path.endsWith(`/${name}.cjs`) || path.endsWith(`/${name}.cache`));
  if (changed.some((path) => isOf(path, "pv-appengine") || path.endsWith("/start.cjs")))
    return false;
  const tar = pack();
  const fill = async (): Promise<void> => {
    for (const path of changed) {
      const { content, mode } = programs.get(path) ?? { content: Buffer.alloc(0), mode: 0o644 };
      await entry(tar, { name: path, mode }, content);
    }
    tar.finalize();
  };
  fill().catch((error: unknown) => tar.destroy(error as Error));
  await engine.docker
    .getContainer(appengine.name)
    .putArchive(Readable.from(tar), { path: "/", abortSignal: signal });
  if (changed.some((path) => isOf(path, "pantavisor"))) await restartPantavisor(appengine, signal);
  else if (changed.some((path) => isOf(path, "pv-xconnect", "splice-worker.thread"))) {
    await restartBroker(appengine, signal);
  }
  return true;
}

/** pv-appengine starts pantavisor again when it ends for a reboot. */
async function restartPantavisor(appengine: Appengine, signal: AbortSignal): Promise<void> {
  const pids = async (): Promise<string> =>
    (await appengine.sh("pgrep -x pantavisor", { signal })).stdout.trim();
  const before = await pids();
  await appengine.sh(`kill -TERM ${before.split("\n").join(" ")}`, { signal });
  await until(
    "pantavisor to run again",
    async () => {
      const now = await pids();
      if (now === "" || now === before) return undefined;
      return (await appengine.control.send("GET", "/buildinfo", { signal })).status === 200;
    },
    { signal, timeout: RESTART },
  );
}
