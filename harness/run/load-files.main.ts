/**
 * The process that loads scenario files for discover(): one `{ id, path, onlyRows }` a message, one
 * `{ id, answer }` each. It ends with its parent.
 */
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import "../project/esm-typescript.ts";
import { collect } from "./collector.ts";
import { enteredNames } from "./entered-names.ts";
import { loadAhead } from "./load-ahead.ts";
// Loaded before the first file asks for it.
import "./scenario.ts";
import type { Answer, DeclaredScenario, Question } from "./loader-process.ts";
import type { ScenarioDefinition } from "./scenario-definition.ts";
import { readThrown } from "../thrown.ts";

const NO_HOOKS =
  "vitest's tests and hooks are not supported outside of a check: a check does its own set-up " +
  "and tear-down";

/** Number of the first file that the process is asked for. */
const FIRST = 1;

const send = process.send?.bind(process);
process.on("disconnect", () => process.exit());
/** The file that is loaded. */
let current: number | undefined;
process.on("message", ({ id, path, onlyRows }: Question) => {
  current = id;
  void answerFor(path, onlyRows).then((answer) => {
    // Errors that a file leaves behind come before its answer, so they count as that file's.
    setImmediate(() => {
      if (current !== id) return;
      current = undefined;
      try {
        send?.({ id, answer });
      } catch (error) {
        send?.({ id, answer: { error: errorOf(error) } });
      }
    });
  });
});
process.on("uncaughtException", (error: unknown) => {
  // It may come from a file before it, which is not held against this one.
  if (current !== FIRST) process.exit(1);
  current = undefined;
  const { message, stack } = errorOf(error);
  send?.({ id: FIRST, answer: { error: { message: `uncaught error: ${message}`, stack } } });
});
await loadAhead().catch(() => undefined);

async function answerFor(path: string, onlyRows: boolean): Promise<Answer> {
  try {
    const definitions = await collect(onlyRows, () => import(pathToFileURL(path).href));
    // No pause: what the file has begun would count as the next one's.
    const source = readFileSync(path, "utf8");
    return { definitions: definitions.map((definition) => declared(definition, source)) };
  } catch (error) {
    return { error: errorOf(error) };
  }
}

function declared({ name, options, checks }: ScenarioDefinition, source: string): DeclaredScenario {
  const { summary, tags = [], requires = [], alone = false, containers = [], shares } = options;
  const { boot = "auto", timeScale = 1, env = {}, until = "links" } = options;
  return {
    name,
    summary,
    tags,
    requires,
    alone,
    ...(shares !== undefined && { shares }),
    boot: JSON.stringify({ boot, timeScale, env, until }),
    containers,
    checks: checks.map(({ id, title, body }) => {
      const entered = enteredNames(body, source);
      return { id, title, ...(entered.length > 0 && { entered }) };
    }),
  };
}

function errorOf(error: unknown): { message: string; stack: string } {
  const { name, message, stack = "" } = readThrown(error);
  // vitest tells in five lines how it may have been started wrongly.
  if (message.startsWith("Vitest failed to find the")) return { message: NO_HOOKS, stack };
  const isNamed = name !== undefined && name !== "PvhError";
  return { message: !isNamed ? message : `${name}: ${message}`, stack };
}
