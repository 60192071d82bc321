/**
 * Run the scenario `a` of a folder twice with one vitest, and change its file in between: `run-kept.ts
 * FOLDER`, in a directory of the caller's. Its text has the word `first`, which becomes `second`; with it
 * the word `CHANGED` becomes the time of the change. Prints the message of the first failure of each run.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { lastAttempt } from "../../../reports/run-state.ts";
import { discover } from "../discover.ts";
import { KeptVitest } from "../kept-vitest.ts";
import { makeRunDirectory } from "../run-directory.ts";
import { runScenarios } from "../run.ts";
import { select } from "../selection.ts";
import { PLAIN_RUN } from "./plain-run.ts";
import { PREPARED_WITHOUT_ENGINE } from "./prepared-without-engine.ts";

const [folder = ""] = process.argv.slice(2);
const file = join(folder, "a.scenario.ts");
using kept = new KeptVitest();
const messages: string[] = [];
const run = async (): Promise<void> => {
  const { state } = await runScenarios(
    select(await discover(folder), ""),
    () => Promise.resolve(PREPARED_WITHOUT_ENGINE),
    makeRunDirectory(),
    {
      command: ["watch"],
      ...PLAIN_RUN,
      kept,
    },
    { signal: new AbortController().signal, onEvent: () => undefined },
  );
  const [scenario] = state.scenarios.values();
  const checks = scenario === undefined ? [] : [...lastAttempt(scenario).checks.values()];
  messages.push(...checks.flatMap(({ failure }) => failure?.message ?? []));
};
await run();
kept.prepare({});
// The process begins before its file changes.
await delay(1_000);
const text = readFileSync(file, "utf8").replace("first", "second");
writeFileSync(file, text.replace("CHANGED", String(Date.now())));
await run();
kept.prepare({});
process.stdout.write(JSON.stringify(messages));
kept[Symbol.dispose]();
process.exit(0);
