import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type Dockerode from "dockerode";
import type { Appengine } from "../appengine/appengine.ts";
import { LOG_ROOT } from "../appengine/layout.ts";
import { extractRegularFiles } from "./extract-regular-files.ts";

/** A file of evidence: path inside the evidence folder, and what it is. */
export interface Evidence {
  readonly path: string;
  readonly what: string;
}

const PATIENCE = 3_000;

/**
 * What is worth keeping of an appengine, read before it is removed. Every collector is
 * independent and bounded in time: a broken appengine yields what it still can.
 */
export async function collectAppengine(
  appengine: Appengine,
  container: Dockerode.Container,
  folder: string,
): Promise<Evidence[]> {
  const made = await mkdir(folder, { recursive: true }).then(
    () => true,
    () => false,
  );
  // A full disk costs the evidence, not the clean-up after it.
  if (!made) return [];
  const signal = AbortSignal.timeout(PATIENCE);
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
  const written = await Promise.all(
    files.map(async ([name, what, read]): Promise<Evidence[]> => {
      try {
        await writeFile(join(folder, name), await read());
        return [{ path: name, what }];
      } catch {
        return [];
      }
    }),
  );
  return [...written.flat(), ...(await collectLogs())];

  async function collectLogs(): Promise<Evidence[]> {
    try {
      const archive = await container.getArchive({ path: LOG_ROOT });
      await extractRegularFiles(archive, folder);
      return [{ path: "logs", what: "log tree of the appengine's storage" }];
    } catch {
      return [];
    }
  }
}
