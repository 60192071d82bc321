import type { EndingSignal } from "./exit-codes.ts";
import type { ErrorClass, ErrorCode } from "./error-codes.ts";
import type { Diagnosis, FailureDetails, Quote } from "./failure-details.ts";

/**
 * events.jsonl: the one record of a run. One JSON object a line, appended only; every report,
 * the timeline, merging and the exit code are folds over it. Documented in docs/events.md.
 *
 * `v` is the version of the format; it changes when a reader of the old one would be wrong.
 */
export const EVENTS_VERSION = 2;

/** Versions that are read. */
export type EventsVersion = 1 | typeof EVENTS_VERSION;

/** Profile of a run on an image of its own: no profile of the reference acts on it. */
export const NATIVE = "native";

/** Beginning of the reason of a check that came after its appengine had ended by itself. */
export const NOT_JUDGED = "not judged";

export type Verdict = "passed" | "failed" | "skipped";

/** A failure as data: the text of an error, and what explains it. */
export interface Failure extends FailureDetails {
  /** product or scenario = the thing under test; infra, harness and usage = not its fault. */
  readonly class: ErrorClass;
  /** A PvhError code, or PVH_ASSERT for an assertion of the check itself. */
  readonly code: ErrorCode | "PVH_ASSERT";
  readonly message: string;
  readonly hint?: string;
  readonly evidence?: readonly string[];
  readonly stack?: string;
}

/** Cause that ended a run before its scenarios: a signal, or the whole command's deadline. */
export type Interruption = EndingSignal | "deadline";

export type BootStage =
  | "engine"
  | "image"
  | "container"
  | "storage"
  | "pantavisor"
  | "pv-ctrl"
  | "revision"
  | "containers"
  | "ready"
  | "links";

/** Checks that failed in a former run, and may fail again. */
export interface Baseline {
  readonly run: string;
  /** The failed checks, as `SCENARIO CHECK`. */
  readonly known: readonly string[];
  /** A known check that passes fails the run: the baseline is out of date. */
  readonly strict: boolean;
}

/** A check of a scenario, and the promise that it proves. */
export interface PlannedCheck {
  readonly id: string;
  readonly title: string;
  /** The promise of its row in the catalogue. */
  readonly promise?: string;
  /** Documents that make the promise. */
  readonly source?: string;
}

/** The part of a selection that a run is, with the names of all of it. */
export interface PlannedShard {
  /** From 1. */
  readonly index: number;
  readonly count: number;
  readonly whole: readonly string[];
}

export type RunEvent =
  | {
      readonly type: "run.started";
      readonly run: string;
      readonly command: readonly string[];
      readonly image: string;
      readonly profile: string;
      readonly quirks: readonly string[];
      readonly selected: readonly string[];
      /** Given to the checks; the same seed makes the same choices. */
      readonly seed: number;
      /** A former run whose failed checks are expected to fail. */
      readonly baseline?: Baseline;
      /** Present for one of the parts that `--shard` makes. */
      readonly shard?: PlannedShard;
      readonly host: {
        readonly name: string;
        readonly kernel: string;
        readonly node: string;
        readonly cores?: number;
        /** Load average of the last minute. */
        readonly load?: number;
      };
    }
  | {
      /** Engine, image and exports are ready. */
      readonly type: "run.prepared";
      readonly ms: number;
      /** The image that is judged, and the engine's id of it: a digest of its content. */
      readonly image: string;
      readonly imageId?: string;
      /** The strict reference's pv-xconnect mediates in place of the image's own. */
      readonly broker?: "reference";
    }
  | {
      readonly type: "scenario.started";
      readonly scenario: string;
      readonly suite: string;
      readonly summary: string;
      readonly checks: readonly PlannedCheck[];
      readonly file: string;
      /** Number of the attempt, from 1; a later one is a retry, and the last gives the verdict. */
      readonly attempt: number;
    }
  | {
      readonly type: "stage.finished";
      readonly scenario: string;
      /** Name of the appengine container. */
      readonly appengine: string;
      readonly stage: BootStage;
      readonly ms: number;
      readonly ok: boolean;
      readonly detail?: string;
    }
  | {
      /** The scenario uses an appengine that others have used, which was reset for it. */
      readonly type: "appengine.shared";
      readonly scenario: string;
      readonly appengine: string;
      /** Scenarios that have used it, in their order. */
      readonly after: readonly string[];
      /** Milliseconds that the reset took. */
      readonly ms: number;
    }
  | {
      readonly type: "check.started";
      readonly scenario: string;
      readonly check: string;
      /** Milliseconds that the machine may give it. */
      readonly deadline?: number;
      /** Milliseconds on the wall after which it ends, even if the machine gave it little time. */
      readonly longest?: number;
    }
  | {
      readonly type: "check.finished";
      readonly scenario: string;
      readonly check: string;
      readonly title: string;
      readonly verdict: Verdict;
      readonly ms: number;
      readonly failure?: Failure;
      /** Reason why it was skipped. */
      readonly reason?: string;
      /** Part of its time that the machine gave it, from 0 to 1. */
      readonly share?: number;
    }
  | {
      /** Lines of a log of an appengine, told soon after they were written. */
      readonly type: "log";
      readonly scenario: string;
      readonly appengine: string;
      /** Log below the appengine's log root, for example "0/pantavisor/pantavisor.log". */
      readonly source: string;
      readonly lines: readonly string[];
      /** Number of lines after these that the timeline leaves out. */
      readonly more?: number;
    }
  | {
      /** A request of pvh to pv-ctrl has ended. */
      readonly type: "control";
      readonly scenario: string;
      readonly appengine: string;
      readonly method: string;
      readonly path: string;
      readonly ms: number;
      /** Absent: there was no whole reply, and `error` says why. */
      readonly status?: number;
      readonly error?: string;
    }
  | {
      /** pantavisor.log tells a new status of a container, a group or the revision. */
      readonly type: "container.changed";
      readonly scenario: string;
      readonly appengine: string;
      readonly what: "container" | "group" | "revision";
      readonly name: string;
      readonly status: string;
    }
  | {
      /** pv-xconnect's output tells a new state of a link. */
      readonly type: "link.changed";
      readonly scenario: string;
      readonly appengine: string;
      readonly consumer: string;
      readonly service: string;
      readonly state: "adding" | "established" | "failed" | "removed";
    }
  | {
      /** The graph that pv-ctrl gave differs from the one before. */
      readonly type: "graph";
      readonly scenario: string;
      readonly appengine: string;
      readonly links: readonly {
        readonly consumer: string;
        readonly provider: string;
        readonly service: string;
        readonly kind: string;
      }[];
    }
  | {
      /** A command of pvh or of a check in an appengine has ended. */
      readonly type: "step";
      readonly scenario: string;
      readonly appengine: string;
      readonly text: string;
      readonly ms: number;
      /** Absent: it did not end. */
      readonly status?: number;
    }
  | {
      readonly type: "evidence";
      readonly scenario: string;
      /** Path relative to the run directory. */
      readonly path: string;
      readonly what: string;
    }
  | {
      /** Known causes of a failure, found in its evidence. */
      readonly type: "diagnosis";
      readonly scenario: string;
      /** The check that failed; absent for a failure outside of any check. */
      readonly check?: string;
      /** The likeliest first; empty when none is known of. */
      readonly diagnoses: readonly Diagnosis[];
      /** Lines of the evidence that tell most, the most telling file first. */
      readonly telling: readonly Quote[];
    }
  | {
      /** A watched value of the appengine is beyond its limit; the first one of a scenario. */
      readonly type: "watch.violated";
      readonly scenario: string;
      /** The check after which it was seen. */
      readonly check?: string;
      /** Name of the watcher, as "broker-fds". */
      readonly watcher: string;
      /** The value and its limit, in words. */
      readonly says: string;
      readonly value: number;
      readonly limit: number;
    }
  | { readonly type: "note"; readonly scenario?: string; readonly text: string }
  | {
      /** Something failed outside of any check. */
      readonly type: "failure";
      /** Absent: the run itself failed. */
      readonly scenario?: string;
      /** Place of the failure, for example "file", "tear-down", "stray error", "preparation". */
      readonly where: string;
      readonly failure: Failure;
    }
  | {
      readonly type: "scenario.finished";
      readonly scenario: string;
      readonly verdict: Verdict;
      readonly ms: number;
      /** Set when the scenario failed outside its checks, for example in boot. */
      readonly failure?: Failure;
      /** Milliseconds spent on keeping evidence, and on removing the appengines. */
      readonly evidenceMs?: number;
      readonly removalMs?: number;
    }
  | {
      readonly type: "run.finished";
      readonly ms: number;
      readonly exitCode: number;
      /** Load average of the last minute. */
      readonly load?: number;
      /** Part of the run's time that the machine gave it, from 0 to 1. */
      readonly share?: number;
      readonly interrupted?: Interruption;
    };

/** Event as it is written, with its version and its time (ms since the epoch). */
export type RecordedEvent = RunEvent & {
  readonly v: EventsVersion;
  readonly t: number;
};

/** Types of events that tell what went on in an appengine; no verdict rests on them. */
export type TimelineEvent = Extract<
  RunEvent,
  { type: "log" | "control" | "container.changed" | "link.changed" | "graph" | "step" }
>;
