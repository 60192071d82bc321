import type { Failure } from "./events.ts";
import { printable, printableLine } from "./printable.ts";
import { isFlaky, lastAttempt, untoldFailures } from "./run-state.ts";
import type { RunState } from "./run-state.ts";

interface Point {
  readonly ok: boolean;
  readonly name: string;
  readonly skip?: string;
  readonly failure?: Failure;
}

/** The run as TAP 14 (testanything.org): a test point for each check, diagnostics as YAML. */
export function tapReport(state: RunState): string {
  const points = pointsOf(state);
  return [
    "TAP version 14",
    `1..${points.length}`,
    ...points.flatMap(({ ok, name, skip, failure }, index) => [
      `${ok ? "ok" : "not ok"} ${index + 1} - ${escaped(name)}${skip === undefined ? "" : ` # SKIP ${escaped(skip)}`}`,
      ...(failure === undefined ? [] : diagnostics(failure)),
    ]),
    "",
  ].join("\n");
}

function pointsOf(state: RunState): Point[] {
  const ofScenarios = [...state.scenarios.values()].flatMap((scenario): Point[] => {
    const attempt = lastAttempt(scenario);
    const flaky = isFlaky(scenario) ? " (flaky: it passed after a retry)" : "";
    const checks = [...attempt.checks.values()].map(({ id, title, verdict, reason, failure }) => {
      const name = `${scenario.name} > ${id}: ${title}${flaky}`;
      if (verdict === "passed") return { ok: true, name };
      if (verdict === "failed") return { ok: false, name, ...(failure && { failure }) };
      return { ok: true, name, skip: reason ?? "it has no verdict" };
    });
    const outside = untoldFailures(attempt).map(({ where, failure }) => ({
      ok: false,
      name: `${scenario.name}: ${where}`,
      failure,
    }));
    return [...checks, ...outside];
  });
  const ofRun = state.failures.map(({ where, failure }) => ({
    ok: false,
    name: `the run: ${where}`,
    failure,
  }));
  return [...ofScenarios, ...ofRun];
}

/** JSON is YAML: a string in its quotes needs no other escape. */
function diagnostics({ class: of, code, message, hint }: Failure): string[] {
  return [
    "  ---",
    `  message: ${JSON.stringify(printable(message))}`,
    `  severity: ${JSON.stringify(of)}`,
    `  code: ${JSON.stringify(code)}`,
    ...(hint === undefined ? [] : [`  hint: ${JSON.stringify(printable(hint))}`]),
    "  ...",
  ];
}

function escaped(text: string): string {
  return printableLine(text)
    .replaceAll("\\", "\\\\")
    .replaceAll("#", String.raw`\#`);
}
