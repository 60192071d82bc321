import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import type Dockerode from "dockerode";
import type { Appengine } from "../appengine/appengine.ts";
import { LOG_ROOT } from "../appengine/layout.ts";
import { within } from "../within.ts";
import { extractRegularFiles } from "./extract-regular-files.ts";

/** A file of evidence: path inside the evidence folder, and what it is. */
export interface Evidence {
  readonly path: string;
  readonly what: string;
}

const PATIENCE = 3_000;
const PATIENCE_LOGS = 5_000;

/**
 * What is worth keeping of an appengine, read before it is removed. Every collector is
 * independent and bounded in time: a broken appengine yields what it still can.
 *
 * @param over ends it all early
 */
export async function collectAppengine(
  appengine: Appengine,
  container: Dockerode.Container,
  folder: string,
  over?: AbortSignal,
): Promise<Evidence[]> {
  const made = await mkdir(folder, { recursive: true }).then(
    () => true,
    () => false,
  );
  // A full disk costs the evidence, not the clean-up after it.
  if (!made) return [];
  const limit = (ms: number): AbortSignal =>
    AbortSignal.any([AbortSignal.timeout(ms), ...(over ? [over] : [])]);
  const signal = limit(PATIENCE);
  const sh = async (script: string): Promise<string> => {
    const { stdout, stderr } = await appengine.sh(script, { signal, timeout: PATIENCE });
    return stdout + stderr;
  };
  const json = async (path: string): Promise<string> =>
    JSON.stringify(await appengine.control.json(path, signal), null, 2);

  const files: readonly [string, string, () => Promise<string>][] = [
    ["boot.log", "output of pv-appengine", () => appengine.output()],
    ["containers.json", "GET /containers", () => json("/containers")],
    ["graph.json", "GET /xconnect-graph", () => json("/xconnect-graph")],
    ["daemons.json", "GET /daemons", () => json("/daemons")],
    ["lxc-ls.txt", "lxc-ls -f", () => sh("lxc-ls -f")],
    [
      "processes.txt",
      "process tree of the appengine",
      () => sh("ps -eo pid,ppid,stat,etimes,args"),
    ],
    [
      "engine.json",
      "the engine's view of the container",
      async () => JSON.stringify(await container.inspect(), null, 2),
    ],
  ];
  const collected = files.map(async ([name, what, read]): Promise<Evidence[]> => {
    try {
      await writeFile(join(folder, name), await within(signal, read()));
      return [{ path: name, what }];
    } catch {
      return [];
    }
  });
  return (await Promise.all([...collected, collectLogs()])).flat();

  async function collectLogs(): Promise<Evidence[]> {
    const what = "log tree of the appengine's storage";
    const enough = limit(PATIENCE_LOGS);
    let archive: NodeJS.ReadableStream | undefined;
    try {
      archive = await within(enough, container.getArchive({ path: LOG_ROOT }));
      await within(enough, extractRegularFiles(archive, folder));
      return [{ path: "logs", what }];
    } catch {
      // The engine holds the container, also against its removal, until the archive is closed.
      if (archive instanceof Readable) archive.destroy();
      return existsSync(join(folder, "logs"))
        ? [{ path: "logs", what: `${what}, as far as it came` }]
        : [];
    }
  }
}
