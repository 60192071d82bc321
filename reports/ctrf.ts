import { printableTexts } from "./printable.ts";
import { isFlaky, lastAttempt, untoldFailures } from "./run-state.ts";
import type { RunState } from "./run-state.ts";

interface CtrfTest {
  readonly name: string;
  readonly status: "passed" | "failed" | "skipped" | "other";
  readonly duration: number;
  readonly suite?: readonly string[];
  readonly message?: string;
  readonly trace?: string;
  readonly filePath?: string;
  readonly flaky?: boolean;
  readonly retries?: number;
  readonly rawStatus?: string;
}

/**
 * The run as CTRF (ctrf.io, specification 0.0.0): `failed` is the product's or the scenario's failure,
 * `other` one of the machine or of pvh.
 */
export function ctrfReport(state: RunState): string {
  const tests = testsOf(state);
  const count = (status: CtrfTest["status"]): number =>
    tests.filter((one) => one.status === status).length;
  const start = state.started?.t ?? 0;
  const report = {
    reportFormat: "CTRF",
    specVersion: "0.0.0",
    results: {
      tool: { name: "pvh" },
      summary: {
        tests: tests.length,
        passed: count("passed"),
        failed: count("failed"),
        pending: 0,
        skipped: count("skipped"),
        other: count("other"),
        flaky: tests.filter(({ flaky }) => flaky === true).length,
        start: Math.round(start),
        stop: Math.round(start + (state.finished?.ms ?? 0)),
      },
      tests,
      environment: {
        reportName: state.started?.run ?? "",
        osPlatform: "linux",
        osRelease: state.started?.host.kernel ?? "",
        extra: {
          image: state.started?.image ?? "",
          imageId: state.imageId ?? "",
          profile: state.started?.profile ?? "",
          quirks: state.started?.quirks ?? [],
          seed: state.started?.seed ?? 0,
        },
      },
    },
  };
  return `${JSON.stringify(report, printableTexts, 2)}\n`;
}

function testsOf(state: RunState): CtrfTest[] {
  const ofScenarios = [...state.scenarios.values()].flatMap((scenario): CtrfTest[] => {
    const attempt = lastAttempt(scenario);
    const about = {
      suite: [scenario.suite, scenario.name],
      filePath: scenario.file,
    };
    const flaky = isFlaky(scenario) ? { flaky: true } : {};
    const retries = scenario.attempts.length > 1 ? { retries: scenario.attempts.length - 1 } : {};
    const checks = [...attempt.checks.values()].map((check): CtrfTest => {
      const { id, title, verdict, ms, failure, reason } = check;
      const message = failure?.message ?? reason;
      return {
        name: `${title} (${id})`,
        status: verdict === "passed" ? "passed" : statusOf(verdict, failure?.class),
        duration: Math.round(ms),
        ...about,
        ...(message !== undefined && { message }),
        ...(failure?.stack !== undefined && { trace: failure.stack }),
        ...(verdict !== "passed" && verdict !== "failed" && { rawStatus: verdict }),
        ...flaky,
        ...retries,
      };
    });
    const outside = untoldFailures(attempt).map(({ where, failure }) => ({
      name: `${scenario.name}: ${where}`,
      status: statusOf("failed", failure.class),
      duration: 0,
      ...about,
      message: failure.message,
    }));
    return [...checks, ...outside];
  });
  const ofRun = state.failures.map(({ where, failure }) => ({
    name: `the run: ${where}`,
    status: statusOf("failed", failure.class),
    duration: 0,
    message: failure.message,
  }));
  return [...ofScenarios, ...ofRun];
}

function statusOf(verdict: string, of: string | undefined): "failed" | "skipped" | "other" {
  if (verdict !== "failed") return "skipped";
  return of === "product" || of === "scenario" ? "failed" : "other";
}
