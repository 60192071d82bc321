import type { RunState } from "../run-state.ts";
import { countChecks } from "../run-state.ts";
import { exitReason } from "../exit-code.ts";
import { comparisonOf } from "./comparison.ts";
import type { Comparison } from "./comparison.ts";
import { failuresOfRun } from "./failures.ts";
import type { ShownFailure } from "./failures.ts";
import { shownScenarios } from "./shown-scenarios.ts";
import type { ShownScenario } from "./shown-scenarios.ts";
import { timelinesOf } from "./timelines.ts";
import type { Timeline } from "./timelines.ts";
import type { RecordedEvent } from "../events.ts";

/** A promise of the catalogue, as coverage shows it. */
export interface Promised {
  readonly id: string;
  readonly suite: string;
  readonly promise: string;
}

/** The end of a file of evidence. */
export interface Excerpt {
  readonly path: string;
  readonly text: string;
  /** Bytes of the whole file. */
  readonly bytes: number;
}

/** Everything that report.html is made from. */
export interface ReportSources {
  readonly state: RunState;
  readonly events: readonly RecordedEvent[];
  /** The run directory, as the reader of a command may open it. */
  readonly folder: string;
  readonly promises?: readonly Promised[];
  readonly excerpts?: readonly Excerpt[];
  /** The last run before this one in which everything passed. */
  readonly good?: RunState;
}

/** Data of the page, as its script reads them. */
export interface ReportData {
  readonly run: {
    readonly id: string;
    readonly image: string;
    readonly imageId: string;
    readonly broker: string;
    readonly profile: string;
    readonly quirks: readonly string[];
    readonly seed: number;
    readonly host: string;
    readonly kernel: string;
    readonly node: string;
    /** Milliseconds since the epoch. */
    readonly begun: number;
    readonly ms: number;
    readonly exitCode: number;
    readonly reason: string;
    readonly command: string;
    readonly preparedMs: number;
  };
  readonly counts: { readonly passed: number; readonly failed: number; readonly skipped: number };
  readonly failures: readonly ShownFailure[];
  readonly scenarios: readonly ShownScenario[];
  readonly timelines: readonly Timeline[];
  readonly excerpts: readonly Excerpt[];
  readonly promises: readonly Promised[];
  readonly comparison?: Comparison;
}

/**
 * The data of the page, small enough for a browser: texts and timelines are cut until they are, the
 * failures' last.
 */
export function reportData(sources: ReportSources): ReportData {
  const { state, events, folder, promises = [], excerpts = [], good } = sources;
  const { started, finished } = state;
  const begun = started?.t ?? events[0]?.t ?? 0;
  return {
    run: {
      id: started?.run ?? "",
      image: started?.image ?? "",
      imageId: state.imageId ?? "",
      broker: state.broker ?? "native",
      profile: started?.profile ?? "",
      quirks: started?.quirks ?? [],
      seed: started?.seed ?? 0,
      host: started?.host.name ?? "",
      kernel: started?.host.kernel ?? "",
      node: started?.host.node ?? "",
      begun,
      ms: finished?.ms ?? 0,
      exitCode: finished?.exitCode ?? 70,
      reason: exitReason(state) ?? "",
      command: ["pvh", ...(started?.command ?? [])].join(" "),
      preparedMs: state.preparedMs ?? 0,
    },
    counts: countChecks(state),
    failures: failuresOfRun(state, folder),
    scenarios: shownScenarios(state, begun),
    timelines: timelinesOf(state, events, begun),
    excerpts,
    promises,
    ...(good !== undefined && { comparison: comparisonOf(good, state) }),
  };
}
