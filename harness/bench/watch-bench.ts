import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline/promises";
import { promisify } from "node:util";
import { PvhError } from "../errors.ts";
import { ROOT, SOURCE_FOLDERS } from "../root.ts";

const SCENARIO = "unix-half-close";
const SCENARIO_FILE = `scenarios/unix/${SCENARIO}.scenario.ts`;
const BROKER_FILE = "broker/xconnect/pv-xconnect.main.ts";
/** Words of the broker that say nothing to a check. */
const WORDS = "pv-xconnect starting...";

/** Seconds from a change of a file to the verdict of `pvh watch`, in a copy of the clone. */
export interface WatchSamples {
  readonly scenario: number[];
  readonly broker: number[];
}

/**
 * @throws PvhError PVH_COMMAND when pvh watch ends, or gives another verdict than a pass
 */
export async function watchSamples(rounds: number, signal: AbortSignal): Promise<WatchSamples> {
  await mkdir(join(ROOT, ".pvh"), { recursive: true });
  const copy = await mkdtemp(join(ROOT, ".pvh/bench-"));
  try {
    await copyClone(copy);
    return await measure(copy, rounds, signal);
  } finally {
    await rm(copy, { recursive: true, force: true });
  }
}

/** Packages are linked: they take as much room as all else together ten times over. */
async function copyClone(to: string): Promise<void> {
  const run = promisify(execFile);
  const files = ["package.json", "package-lock.json", "tsconfig.json"];
  await run("cp", ["-a", ...SOURCE_FOLDERS, ...files, to], { cwd: ROOT });
  await run("cp", ["-al", "node_modules", to], { cwd: ROOT });
}

async function measure(clone: string, rounds: number, signal: AbortSignal): Promise<WatchSamples> {
  const watch = spawn(join(clone, "harness/setup/pvh"), ["watch", SCENARIO], {
    cwd: clone,
    stdio: ["ignore", "pipe", "ignore"],
    signal,
    killSignal: "SIGINT",
  });
  const ended = once(watch, "exit");
  ended.catch(() => undefined);
  const lines = createInterface({ input: watch.stdout })[Symbol.asyncIterator]();
  /** Each verdict is one line. */
  const verdict = async (): Promise<void> => {
    const { value } = (await lines.next()) as { readonly value: string | undefined };
    if (value?.includes(" 0 failed, 0 skipped") === true) return;
    throw new PvhError("PVH_COMMAND", `pvh watch ${SCENARIO}: ${value ?? "it ended"}`);
  };
  const samples: WatchSamples = { scenario: [], broker: [] };
  try {
    await verdict();
    const change = async (file: string, edit: (text: string) => string): Promise<number> => {
      const path = join(clone, file);
      const text = edit(await readFile(path, "utf8"));
      const begun = performance.now();
      await writeFile(path, text);
      await verdict();
      return (performance.now() - begun) / 1000;
    };
    for (let round = 0; round < rounds; round += 1) {
      samples.scenario.push(await change(SCENARIO_FILE, (text) => `${text}// ${round}\n`));
      samples.broker.push(await change(BROKER_FILE, (text) => text.replace(WORDS, `${WORDS}.`)));
    }
    return samples;
  } finally {
    watch.kill("SIGINT");
    await ended.catch(() => undefined);
  }
}
