import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { validateXML } from "xmllint-wasm";
import * as z from "zod";
import { PROJECT } from "../image/sources.ts";

/** Reports that a run has left behind, and their problems. */
export interface Reports {
  readonly recorded: boolean;
  readonly problems: readonly string[];
  readonly exitCode: number | undefined;
}

const summary = z.object({
  version: z.literal(1),
  exitCode: z.number(),
  scenarios: z.array(z.unknown()),
});

/** Read the reports of the last run below a folder, as CI would. */
export async function readReports(folder: string): Promise<Reports> {
  const run = join(folder, ".pvh/runs/latest");
  if (!existsSync(join(run, "events.jsonl"))) {
    return { recorded: false, problems: [], exitCode: undefined };
  }
  const problems: string[] = [];
  let exitCode: number | undefined;
  try {
    ({ exitCode } = summary.parse(JSON.parse(readFileSync(join(run, "summary.json"), "utf8"))));
  } catch (error) {
    problems.push(`summary.json: ${firstLine(error)}`);
  }
  try {
    const xml = [{ fileName: "junit.xml", contents: readFileSync(join(run, "junit.xml"), "utf8") }];
    const schema = [readFileSync(join(PROJECT, "fixtures/junit-dialect.xsd"), "utf8")];
    const { errors } = await validateXML({ xml, schema });
    problems.push(...errors.slice(0, 1).map(({ message }) => `junit.xml: ${message}`));
  } catch (error) {
    problems.push(`junit.xml: ${firstLine(error)}`);
  }
  return { recorded: true, problems, exitCode };
}

function firstLine(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.split("\n")[0] ?? text;
}
