import { execFile } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { extname, join } from "node:path";
import { ROOT } from "../../harness/root.ts";

/** An event of a record, without its version and its time. */
export type Told = Readonly<Record<string, unknown>> & { readonly type: string };

/** Outcome of a command. */
export interface Ended {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The command line: a module of the same kind as this one, compiled or not. */
const MAIN = join(ROOT, `harness/cli/main${extname(import.meta.filename)}`);
const LARGEST = 64 << 20;

/** Write the record of a run of these events into a folder. */
export function tell(folder: string, quirks: readonly string[], events: readonly Told[]): void {
  const started: Told = {
    type: "run.started",
    run: "20261123T004000Z-a1b2c3",
    command: ["run"],
    image: "pv:1",
    profile: "strict",
    quirks,
    selected: [],
    seed: 1,
    host: { name: "host", kernel: "6", node: "v24" },
  };
  const begun = Date.UTC(2026, 10, 23);
  const lines = [started, ...events].map((event, index) =>
    JSON.stringify({ v: 1, t: begun + index, ...event }),
  );
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "events.jsonl"), `${lines.join("\n")}\n`);
}

/** A scenario of checks that ended so, as events. */
export function toldScenario(
  scenario: string,
  outcomes: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
  about: { readonly attempt?: number; readonly title?: string } = {},
): Told[] {
  const { attempt = 1, title = "a promise" } = about;
  const file = `scenarios/unix/${scenario}.scenario.ts`;
  const checks = Object.keys(outcomes).map((id) => ({ id, title }));
  const verdicts = Object.values(outcomes).map(({ verdict }) => verdict);
  const verdict = verdicts.includes("failed") ? "failed" : (verdicts[0] ?? "passed");
  return [
    { type: "scenario.started", scenario, suite: "unix", summary: "s", checks, file, attempt },
    ...Object.entries(outcomes).map(([check, outcome]) => ({
      type: "check.finished",
      scenario,
      check,
      title,
      ms: 12,
      ...outcome,
    })),
    { type: "scenario.finished", scenario, verdict, ms: 20 },
  ];
}

/** A failure of a check. */
export function toldFailure(
  of: string,
  code: string,
  message: string,
): Readonly<Record<string, unknown>> {
  return { verdict: "failed", failure: { class: of, code, message } };
}

/** `pvh report FOLDER …`, as a user calls it in GitHub Actions. */
export function report(folder: string, ...words: readonly string[]): Promise<Ended> {
  return new Promise((resolve) => {
    const args = [MAIN, "report", folder, ...words];
    const env = { ...process.env, GITHUB_ACTIONS: "true" };
    execFile(process.execPath, args, { env, maxBuffer: LARGEST }, (error, stdout, stderr) => {
      const exitCode = error === null ? 0 : Number(error.code ?? -1);
      resolve({ exitCode, stdout, stderr });
    });
  });
}
