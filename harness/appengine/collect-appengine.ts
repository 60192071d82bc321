import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type Dockerode from "dockerode";
import { clock } from "../clock/clock.ts";
import { within } from "../within.ts";
import type { Evidence } from "./evidence.ts";
import type { EvidenceSource } from "./evidence-source.ts";
import { collectProbes } from "./collect-probes.ts";
import { collectLogs } from "./collect-logs.ts";
import { ExtractedFiles } from "./extract-regular-files.ts";

/** Says what is in an evidence folder, and what is not. */
export const INDEX = "index.txt";

/** Milliseconds of given time, or on the wall once the run is cancelled. */
const TIMEOUT = 3_000;
/** The same for the probes, two of which may wait for a reply that does not come. */
const PROBES = 6_000;

/**
 * Collects the evidence of an appengine before it is removed. Every collector is
 * independent and bounded in time and bytes: a broken appengine yields what it still can, and
 * the index names what it did not.
 *
 * @param over ends it all early
 */
export async function collectAppengine(
  appengine: EvidenceSource,
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
  const timeoutSignal = (ms: number): AbortSignal =>
    AbortSignal.any([clock.deadline(ms).signal, ...(over ? [over] : [])]);
  const signal = timeoutSignal(TIMEOUT);
  const sh = async (script: string): Promise<string> => {
    const { stdout, stderr } = await appengine.sh(script, { signal });
    return stdout + stderr;
  };
  // Keep the answer unparsed: one that is no JSON tells more than none.
  const get = async (path: string): Promise<string> => {
    const { status, body } = await appengine.control.send("GET", path, { signal });
    return status === 200 ? body : `${status}\n${body}`;
  };

  const files: readonly (readonly [string, string, () => Promise<string>])[] = [
    ["boot.log", "output of pv-appengine", () => appengine.output()],
    ["containers.json", "GET /containers", () => get("/containers")],
    ["graph.json", "GET /xconnect-graph", () => get("/xconnect-graph")],
    ["daemons.json", "GET /daemons", () => get("/daemons")],
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
  const failed: string[] = [];
  const extracted = new ExtractedFiles(folder);
  const keep = async (
    [name, what, read]: (typeof files)[number],
    limit: AbortSignal,
  ): Promise<Evidence[]> => {
    try {
      await writeFile(join(folder, name), await within(limit, read()));
      return [{ path: name, what }];
    } catch (error) {
      failed.push(`${name}: ${error instanceof Error ? error.message : String(error)}`);
      return [];
    }
  };
  const [logs, ...collected] = await Promise.all([
    collectLogs(appengine, container, extracted, timeoutSignal),
    ...files.map((file) => keep(file, signal)),
  ]);
  // After all others: one of the probes may make pv-ctrl hang.
  const probes = ["probes.txt", "what is where", () => collectProbes(appengine)] as const;
  collected.push(await keep(probes, timeoutSignal(PROBES)));
  const index = [
    `Kept ${extracted.count} files of the log tree; ${extracted.leftOut.summary()}`,
    ...failed.map((why) => `not kept, ${why}`),
    ...extracted.index(),
  ];
  await writeFile(join(folder, INDEX), `${index.join("\n")}\n`).catch(() => undefined);
  return [...collected.flat(), ...logs, { path: INDEX, what: index[0] ?? "" }];
}
