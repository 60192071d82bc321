import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { foldRun } from "../../../reports/run-state.ts";
import type { RunState } from "../../../reports/run-state.ts";
import { parseLine } from "../event-log.ts";
import type { RecordedEvent } from "../../../reports/events.ts";

/** Result of a run of run-once.ts. */
export interface Ran {
  readonly exitCode: number;
  readonly folder: string;
  /** Closing line on the terminal. */
  readonly closing: string;
  readonly unwritten: readonly string[];
  readonly events: readonly RecordedEvent[];
  readonly state: RunState;
  readonly junit: string;
  readonly summary: {
    readonly exitCode: number;
    readonly exitReason?: string;
    readonly failures: readonly { readonly where: string; readonly message: string }[];
  };
}

/** Run scenarios in a process and a working directory of their own. */
export async function runApart(
  folder: string,
  filter = "",
  options: Readonly<Record<string, unknown>> = {},
  onEvents: (chunk: string, pid: number) => void = () => undefined,
): Promise<Ran> {
  const cwd = mkdtempSync(join(tmpdir(), "pvh-run-"));
  const program = join(import.meta.dirname, "run-once.ts");
  const child = spawn(process.execPath, [program, JSON.stringify(options), filter, folder], {
    cwd,
  });
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
    said = (said + chunk).slice(-4_000);
    onEvents(chunk, child.pid ?? 0);
  });
  const out = await text(child.stdout);
  if (!out.startsWith("{")) throw new Error(`the run did not end: ${out}${said}`);
  const printed = JSON.parse(out) as Pick<Ran, "exitCode" | "folder" | "closing" | "unwritten">;
  const read = (name: string): string => {
    try {
      return readFileSync(join(printed.folder, name), "utf8");
    } catch {
      return "";
    }
  };
  const events = read("events.jsonl").split("\n").map(parseLine);
  const known = events.filter((event) => event !== undefined);
  return {
    ...printed,
    events: known,
    state: foldRun(known),
    junit: read("junit.xml"),
    summary: JSON.parse(read("summary.json") || "{}") as Ran["summary"],
  };
}

/** Failures and errors that the report counts. */
export function junitFailures(xml: string): number {
  const [, failures = "", errors = ""] =
    /<testsuites[^>]* failures="(\d+)" errors="(\d+)"/.exec(xml) ?? [];
  return Number(failures) + Number(errors);
}
