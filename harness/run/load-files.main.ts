/**
 * The process that loads scenario files for discover(): one path a message, one answer each. It
 * ends with its parent.
 */
import { pathToFileURL } from "node:url";
import { collect } from "./collector.ts";
import type { Answer, DeclaredScenario } from "./file-loader.ts";
import type { ScenarioDefinition } from "./scenario-definition.ts";
import { readThrown } from "../thrown.ts";

const send = process.send?.bind(process);
process.on("disconnect", () => process.exit());
process.on("message", (path) => {
  void answerFor(String(path)).then((answer) => {
    // What a file leaves behind comes before the answer, so that it is taken for that file's.
    setImmediate(() => {
      try {
        send?.(answer);
      } catch (error) {
        send?.({ error: errorOf(error) });
      }
    });
  });
});

async function answerFor(path: string): Promise<Answer> {
  try {
    const definitions = await collect(() => import(pathToFileURL(path).href));
    return { definitions: definitions.map(declared) };
  } catch (error) {
    return { error: errorOf(error) };
  }
}

function declared({ name, options, checks }: ScenarioDefinition): DeclaredScenario {
  const { summary, tags = [], requires = [], alone = false, containers = [] } = options;
  return {
    name,
    summary,
    tags,
    requires,
    alone,
    containers,
    checks: checks.map(({ id, title }) => ({ id, title })),
  };
}

function errorOf(error: unknown): { message: string; stack: string } {
  const { name, message, stack = "" } = readThrown(error);
  return { message: name === undefined ? message : `${name}: ${message}`, stack };
}
