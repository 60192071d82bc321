import type { RecordedEvent, TimelineEvent } from "./events.ts";
import { exitReason } from "./exit-code.ts";
import { failureReport } from "./failure-report.ts";
import { COLUMNS } from "./block-lines.ts";
import { busyLine, liveTable } from "./live-table.ts";
import type { Forecast } from "./live-table.ts";
import type { Paint } from "./paint.ts";
import { printableLine } from "./printable.ts";
import { stageLine, timeLine } from "./timings.ts";
import {
  apply,
  countChecks,
  countKnown,
  emptyRun,
  isFlaky,
  lastAttempt,
  unexpectedPasses,
  untoldFailures,
} from "./run-state.ts";
import type { AttemptState, RunState, ScenarioState } from "./run-state.ts";
import { hasBegun, setUpFailure } from "./told-once.ts";

/** Output of the terminal report. */
export interface Terminal {
  /** Lines that stay. */
  print(line: string): void;
  /** Lines that the next ones replace; a terminal that cannot do that ignores them. */
  status(lines: readonly string[]): void;
  readonly columns: number;
}

const HEARTBEAT = 30_000;
/** Lines of a message or a diff. */
const LINES = 20;

/** Tells a run as it goes, from its events. */
export class TerminalReport {
  readonly state: RunState = emptyRun();
  readonly #terminal: Terminal;
  readonly #paint: Paint;
  readonly #only: "all" | "failures";
  readonly #forecast: Forecast | undefined;
  /** Messages of failures that kept scenarios from running, and that were told. */
  readonly #untried = new Set<string>();
  #lastPrint = 0;

  /** @param forecast what an estimate of the time left rests on */
  constructor(
    terminal: Terminal,
    paint: Paint,
    only: "all" | "failures" = "all",
    forecast?: Forecast,
  ) {
    this.#forecast = forecast;
    this.#terminal = terminal;
    this.#paint = paint;
    this.#only = only;
  }

  event(event: RecordedEvent): void {
    // There are hundreds of a second.
    if (TIMELINE.has(event.type)) return;
    apply(this.state, event);
    const quiet = this.#only === "failures";
    if (event.type === "run.started" && !quiet) {
      const { run, image, profile, quirks, selected } = event;
      const deviations = quirks.length === 0 ? "" : `, quirks ${quirks.join(",")}`;
      this.#say(
        event.t,
        `run ${run}: ${plural(selected.length, "scenario")} on ${printableLine(image)}, ${profile}${deviations}`,
      );
    } else if (event.type === "run.prepared" && event.broker !== undefined && !quiet) {
      const text = "the strict reference's pv-xconnect mediates in place of the image's own";
      this.#say(event.t, `${this.#paint.dim("broker")}  ${text}`);
    } else if (event.type === "note" && !quiet) {
      const prefix =
        event.scenario === undefined ? "note" : `note ${printableLine(event.scenario)}`;
      this.#say(event.t, `${this.#paint.dim(prefix)}  ${printableLine(event.text)}`);
    } else if (event.type === "watch.violated" && !quiet) {
      const prefix = this.#paint.unsure(`watch ${printableLine(event.scenario)}`);
      this.#say(event.t, `${prefix}  ${printableLine(event.says, 300)}`);
    } else if (event.type === "scenario.finished") {
      const scenario = this.state.scenarios.get(event.scenario);
      if (scenario !== undefined) this.#finished(event.t, scenario);
    } else if (event.type === "failure" && event.scenario === undefined) {
      const { where, failure } = event;
      this.#untried.add(failure.message);
      this.#say(
        event.t,
        `${this.#paint.bad("FAILED")}  ${where}: ${printableLine(failure.message, 160)}`,
      );
    }
    this.#terminal.status(this.#table(event.t));
  }

  /** Updates the live line, or prints the heartbeat where there is none; call it every second. */
  tick(now: number): void {
    this.#terminal.status(this.#table(now));
    // A clock that was set back must not keep the heartbeat waiting.
    if (this.#lastPrint === 0 || now < this.#lastPrint) this.#lastPrint = now;
    const busy = busyLine(this.state, now);
    if (now - this.#lastPrint >= HEARTBEAT && busy !== "") this.#say(now, `still running: ${busy}`);
  }

  /** The blocks of the failed scenarios and the totals, without the closing line. */
  closing(folder: string): string[] {
    return closingReport(this.state, folder, this.#paint);
  }

  #finished(now: number, scenario: ScenarioState): void {
    const attempt = lastAttempt(scenario);
    const word = wordOf(scenario, attempt, this.#paint);
    const checks = [...attempt.checks.values()];
    const failed = checks.filter(({ verdict }) => verdict === "failed");
    const boot = bootTime(attempt);
    const detail = [
      plural(checks.length, "check"),
      duration(attempt.ms),
      ...(boot > 0 ? [`boot ${duration(boot)}`] : []),
      ...(scenario.attempts.length > 1 ? [`attempt ${scenario.attempts.length}`] : []),
    ].join(", ");
    const outside = untoldFailures(attempt);
    const shared = setUpFailure(attempt);
    if (shared !== undefined && !hasBegun(attempt)) {
      // One that keeps every scenario from running would fill the screen.
      if (this.#untried.has(shared.message)) return;
      this.#untried.add(shared.message);
    }
    const print = failed.length > 0 || outside.length > 0 || this.#only === "all";
    if (print)
      this.#say(
        now,
        `${word}  ${printableLine(scenario.name, 200).padEnd(20)} ${this.#paint.dim(detail)}`,
      );
    if (shared !== undefined) {
      this.#say(now, `        ${printableLine(shared.message)}`);
      return;
    }
    for (const { id, failure } of failed) {
      this.#say(
        now,
        `        ${printableLine(id, 200)}: ${printableLine(failure?.message ?? "", 160)}`,
      );
    }
    for (const { where, failure } of outside) {
      this.#say(now, `        ${printableLine(where)}: ${printableLine(failure.message, 160)}`);
    }
    const reasons = new Set(checks.flatMap(({ reason }) => (reason === undefined ? [] : [reason])));
    if (this.#only === "all") {
      for (const reason of reasons) this.#say(now, `        skipped: ${printableLine(reason)}`);
    }
  }

  #say(now: number, line: string): void {
    this.#lastPrint = now;
    this.#terminal.print(line);
  }

  #table(now: number): string[] {
    return liveTable(this.state, now, this.#terminal.columns, this.#forecast);
  }
}

const TIMELINE: ReadonlySet<string> = new Set<TimelineEvent["type"]>([
  "log",
  "control",
  "container.changed",
  "link.changed",
  "graph",
  "step",
]);

/**
 * The blocks of a run's failed scenarios and its totals, without the closing line.
 * @param folder the run directory, as the reader may open it
 */
export function closingReport(state: RunState, folder: string, paint: Paint): string[] {
  const { finished, scenarios } = state;
  const all = [...scenarios.values()];
  const failed = all.filter((scenario) => lastAttempt(scenario).verdict === "failed");
  const flaky = all.filter(isFlaky).length;
  const passed = all.filter((one) => lastAttempt(one).verdict === "passed").length - flaky;
  const skipped = all.length - passed - flaky - failed.length;
  const reason = exitReason(state);
  return [
    "",
    ...failureReport(state, folder, { paint, columns: COLUMNS, most: LINES }),
    `scenarios  ${passed} passed, ${failed.length} failed, ${skipped} skipped${flaky > 0 ? `, ${flaky} flaky` : ""}`,
    `duration   ${duration(finished?.ms ?? 0)}${spent(timeLine(state))}`,
    ...line("boots", stageLine(state)),
    ...line("baseline", baselineLine(state)),
    ...(reason === undefined
      ? []
      : [`exit       ${finished?.exitCode ?? "?"}: ${printableLine(reason)}`]),
    `record     ${folder}/README`,
  ];
}

/** `N passed, N failed, N skipped`: CI reads this line, so it stands alone and has no colour. */
export function closingLine(state: RunState): string {
  const { passed, failed, skipped } = countChecks(state);
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}

function wordOf(scenario: ScenarioState, attempt: AttemptState, paint: Paint): string {
  if (isFlaky(scenario)) return paint.unsure("FLAKY ");
  if (attempt.verdict === "passed") return paint.good("ok    ");
  return attempt.verdict === "failed" ? paint.bad("FAILED") : paint.unsure("skip  ");
}

function bootTime({ stages }: AttemptState): number {
  return stages.reduce((total, { ms }) => total + ms, 0);
}

/** How the run stands to its baseline. */
function baselineLine(state: RunState): string | undefined {
  const baseline = state.started?.baseline;
  if (baseline === undefined) return undefined;
  const passing = unexpectedPasses(state);
  const news = passing.length === 0 ? "" : `; passed, and did not there: ${passing.join(", ")}`;
  return `${plural(countKnown(state), "check")} failed as in ${printableLine(baseline.run)}${news}`;
}

/** Where the time went; the scenarios' parts are sums, since scenarios overlap. */
function spent(parts: string | undefined): string {
  return parts === undefined ? "" : ` (${parts})`;
}

function line(title: string, text: string | undefined): string[] {
  return text === undefined ? [] : [`${title.padEnd(10)} ${text}`];
}

function duration(ms: number): string {
  return ms < 60_000 ? `${(ms / 1000).toFixed(1)} s` : `${(ms / 60_000).toFixed(1)} min`;
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
