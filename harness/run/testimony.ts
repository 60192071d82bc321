import * as z from "zod";
import { ERROR_CODES } from "../../reports/error-codes.ts";
import { EVENTS_VERSION } from "../../reports/events.ts";
import type { Failure, RunEvent, TimelineEvent, Verdict } from "../../reports/events.ts";

/** Types of testimonies that go into the record as they are. */
type OfWorker =
  | TimelineEvent["type"]
  | "scenario.started"
  | "stage.finished"
  | "appengine.shared"
  | "check.started"
  | "check.finished"
  | "evidence"
  | "diagnosis"
  | "watch.violated"
  | "note"
  | "scenario.finished";

/**
 * Line that the process of a scenario writes in its own journal: an event as it saw it, or a
 * fact for the judge in the parent alone. The parent decides which of them reach events.jsonl.
 */
export type Testimony =
  | (Extract<RunEvent, { type: OfWorker }> & { readonly scenario: string })
  | {
      /** vitest's own result of a check, after all of vitest's hooks. */
      readonly type: "framework.finished";
      readonly scenario: string;
      readonly check: string;
      readonly state: Verdict;
      readonly failures: readonly Failure[];
    }
  | {
      /** An error that nothing caught. */
      readonly type: "stray";
      readonly scenario: string;
      /** Number of the error among the scenario's stray errors. */
      readonly stray: number;
      /** The check that ran when it came. */
      readonly check?: string;
      readonly failure: Failure;
    }
  | {
      /** A rejection that nobody awaited has been awaited after all. */
      readonly type: "stray.handled";
      readonly scenario: string;
      readonly stray: number;
    };

export type RecordedTestimony = Testimony & {
  readonly v: typeof EVENTS_VERSION;
  readonly t: number;
  /** Number of the line in the journal, from 1: a line that is missing is noticed. */
  readonly n: number;
};

/** Reason of a check that is skipped because the run is cancelled. */
export const CANCELLED = "the run was cancelled";

/** @returns undefined for a line that is no testimony */
export function parseTestimony(line: string): RecordedTestimony | undefined {
  try {
    const { success, data } = testimony.safeParse(JSON.parse(line));
    // Keys that are absent stay absent, which zod's types do not say.
    return success ? (data as RecordedTestimony) : undefined;
  } catch {
    return undefined;
  }
}

const verdict = z.enum(["passed", "failed", "skipped"]);
const quotes = z.array(z.object({ from: z.string(), lines: z.array(z.string()) }));
const diagnosesList = z.array(
  z.object({
    rule: z.string(),
    cause: z.string(),
    fix: z.string(),
    source: z.string(),
    evidence: quotes,
  }),
);
const failure = z.object({
  class: z.enum(["product", "scenario", "infra", "harness", "usage"]),
  code: z.enum(["PVH_ASSERT", ...Object.keys(ERROR_CODES)]),
  message: z.string(),
  hint: z.string().optional(),
  evidence: z.array(z.string()).optional(),
  stack: z.string().optional(),
  fact: z
    .object({
      what: z.string(),
      actual: z.string(),
      promised: z.string(),
      diff: z.array(z.string()).optional(),
    })
    .optional(),
  wait: z
    .object({ missing: z.string(), ms: z.number(), seen: quotes.element.optional() })
    .optional(),
  excerpt: z
    .object({ file: z.string(), line: z.int(), from: z.int(), lines: z.array(z.string()) })
    .optional(),
  quotes: quotes.optional(),
  diagnoses: diagnosesList.optional(),
});
const written = {
  v: z.literal(EVENTS_VERSION), // Milliseconds that a Date can hold.
  t: z.number().min(0).max(8.64e15),
  n: z.int(),
};
const of = <T extends string>(type: T) => ({
  ...written,
  type: z.literal(type),
  scenario: z.string(),
});
const inside = <T extends string>(type: T) => ({ ...of(type), appengine: z.string() });
const check = z.string();
const ms = z.number();

const testimony = z.discriminatedUnion("type", [
  z.object({
    ...of("scenario.started"),
    suite: z.string(),
    summary: z.string(),
    checks: z.array(z.object({ id: z.string(), title: z.string() })),
    file: z.string(),
    attempt: z.int(),
  }),
  z.object({
    ...of("stage.finished"),
    appengine: z.string(),
    stage: z.string(),
    ms,
    ok: z.boolean(),
    detail: z.string().optional(),
  }),
  z.object({ ...of("appengine.shared"), appengine: z.string(), after: z.array(z.string()), ms }),
  z.object({
    ...of("check.started"),
    check,
    deadline: z.number().optional(),
    longest: z.number().optional(),
  }),
  z.object({
    ...of("check.finished"),
    check,
    title: z.string(),
    verdict,
    ms,
    share: z.number().optional(),
    failure: failure.optional(),
    reason: z.string().optional(),
  }),
  z.object({
    ...inside("log"),
    source: z.string(),
    lines: z.array(z.string()),
    more: z.int().optional(),
  }),
  z.object({
    ...inside("control"),
    method: z.string(),
    path: z.string(),
    ms,
    status: z.int().optional(),
    error: z.string().optional(),
  }),
  z.object({
    ...inside("container.changed"),
    what: z.enum(["container", "group", "revision"]),
    name: z.string(),
    status: z.string(),
  }),
  z.object({
    ...inside("link.changed"),
    consumer: z.string(),
    service: z.string(),
    state: z.enum(["adding", "established", "failed", "removed"]),
  }),
  z.object({
    ...inside("graph"),
    links: z.array(
      z.object({
        consumer: z.string(),
        provider: z.string(),
        service: z.string(),
        kind: z.string(),
      }),
    ),
  }),
  z.object({ ...inside("step"), text: z.string(), ms, status: z.int().optional() }),
  z.object({ ...of("evidence"), path: z.string(), what: z.string() }),
  z.object({
    ...of("diagnosis"),
    check: check.optional(),
    diagnoses: diagnosesList,
    telling: quotes,
  }),
  z.object({
    ...of("watch.violated"),
    check: check.optional(),
    watcher: z.string(),
    says: z.string(),
    value: z.number(),
    limit: z.number(),
  }),
  z.object({ ...of("note"), text: z.string() }),
  z.object({
    ...of("scenario.finished"),
    verdict,
    ms,
    failure: failure.optional(),
    evidenceMs: ms.optional(),
    removalMs: ms.optional(),
  }),
  z.object({
    ...of("framework.finished"),
    check,
    state: verdict,
    failures: z.array(failure),
  }),
  z.object({
    ...of("stray"),
    stray: z.int(),
    check: z.string().optional(),
    failure,
  }),
  z.object({ ...of("stray.handled"), stray: z.int() }),
]);
