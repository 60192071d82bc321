/**
 * Run scenarios of ./bridge without an engine: `run-once.ts OPTIONS FILTER`, in a directory of
 * the caller's. Prints `{ exitCode, folder }`; SIGINT cancels.
 */
import { join } from "node:path";
import type { Engine } from "../../engine/engine.ts";
import { makeRunDirectory } from "../../evidence/run-directory.ts";
import { discover } from "../discover.ts";
import { runScenarios } from "../run.ts";
import type { RunOptions } from "../run.ts";
import { select } from "../selection.ts";

const [options = "{}", filter = ""] = process.argv.slice(2);
const engine = {
  docker: {
    listContainers: () => Promise.resolve([]),
    listVolumes: () => Promise.resolve({ Volumes: [] }),
  },
} as unknown as Engine;
const controller = new AbortController();
process.once("SIGINT", () => controller.abort("SIGINT"));
const directory = makeRunDirectory();
const { exitCode } = await runScenarios(
  select(await discover(join(import.meta.dirname, "bridge")), filter),
  { engine, image: "none", reference: true, exports: new Map() },
  directory,
  {
    command: ["run", filter],
    profile: "strict",
    quirks: [],
    keep: "failed",
    timeoutScale: 1,
    seed: 7,
    jobs: 2,
    repeat: 1,
    retries: 0,
    maxFailures: Infinity,
    ...(JSON.parse(options) as Partial<RunOptions>),
  },
  {
    signal: controller.signal,
    onEvent: (event) => void process.stderr.write(`${JSON.stringify(event)}\n`),
  },
);
process.stdout.write(JSON.stringify({ exitCode, folder: directory.folder }));
process.exit(0);
