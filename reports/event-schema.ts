import * as z from "zod";
import type { RecordedEvent } from "./events.ts";

/** Versions of the format that this code reads. */
const READ_VERSIONS: readonly number[] = [1, 2];

/** Milliseconds of a duration; a year and more is no duration of a run. */
const ms = z.number().min(0).max(1e11);
const text = z.string();
/** Name of a scenario, a check, a container. A longer one is no record of pvh's. */
const name = z.string().max(1_000);
/** Name of an image, or the path of its file (PATH_MAX of Linux). */
const image = z.string().max(4_096);
const verdict = z.enum(["passed", "failed", "skipped"]);
const quote = z.looseObject({ from: text, lines: z.array(text) });
const diagnosis = z.looseObject({
  rule: text,
  cause: text,
  fix: text,
  source: text,
  evidence: z.array(quote),
});
const failure = z.looseObject({
  class: z.enum(["product", "scenario", "infra", "harness", "usage"]),
  code: text.regex(/^PVH_[A-Z_]{1,60}$/),
  message: text,
  hint: text.optional(),
  evidence: z.array(text).optional(),
  stack: text.optional(),
  fact: z
    .looseObject({
      what: text,
      actual: text,
      promised: text,
      diff: z.array(text).optional(),
    })
    .optional(),
  wait: z.looseObject({ missing: text, ms: z.number(), seen: quote.optional() }).optional(),
  excerpt: z
    .looseObject({ file: text, line: z.number(), from: z.number(), lines: z.array(text) })
    .optional(),
  quotes: z.array(quote).optional(),
  diagnoses: z.array(diagnosis).optional(),
});
const of = { scenario: name };
const inside = { ...of, appengine: name };

/** The fields of each type that the reports read. */
const FIELDS: Readonly<Record<RecordedEvent["type"], z.ZodType>> = {
  "run.started": z.looseObject({
    run: name,
    command: z.array(text),
    image,
    profile: name,
    quirks: z.array(name),
    selected: z.array(name),
    seed: z.number(),
    baseline: z.looseObject({ run: text, known: z.array(text), strict: z.boolean() }).optional(),
    shard: z
      .looseObject({ index: z.int().min(1), count: z.int().min(1), whole: z.array(text) })
      .optional(),
    host: z.looseObject({
      name,
      kernel: name,
      node: name,
      cores: z.number().optional(),
      load: z.number().optional(),
    }),
  }),
  "run.prepared": z.looseObject({
    ms,
    image,
    imageId: name.optional(),
    broker: z.literal("reference").optional(),
  }),
  "scenario.started": z.looseObject({
    ...of,
    suite: name,
    summary: text,
    checks: z.array(
      z.looseObject({
        id: name,
        title: text,
        promise: text.optional(),
        source: text.optional(),
      }),
    ),
    file: text,
    attempt: z.int().min(1),
  }),
  "stage.finished": z.looseObject({
    ...of,
    appengine: name,
    stage: name,
    ms,
    ok: z.boolean(),
    detail: text.optional(),
  }),
  "appengine.shared": z.looseObject({ ...of, appengine: name, after: z.array(name), ms }),
  "check.started": z.looseObject({ ...of, check: name }),
  "check.finished": z.looseObject({
    ...of,
    check: name,
    title: text,
    verdict,
    ms,
    failure: failure.optional(),
    reason: text.optional(),
    share: z.number().optional(),
  }),
  log: z.looseObject({
    ...inside,
    source: text,
    lines: z.array(text),
    more: z.number().optional(),
  }),
  control: z.looseObject({
    ...inside,
    method: text,
    path: text,
    ms,
    status: z.number().optional(),
    error: text.optional(),
  }),
  "container.changed": z.looseObject({
    ...inside,
    what: z.enum(["container", "group", "revision"]),
    name,
    status: name,
  }),
  "link.changed": z.looseObject({
    ...inside,
    consumer: name,
    service: name,
    state: z.enum(["adding", "established", "failed", "removed"]),
  }),
  graph: z.looseObject({
    ...inside,
    links: z.array(z.looseObject({ consumer: name, provider: name, service: name, kind: name })),
  }),
  step: z.looseObject({ ...inside, text, ms, status: z.number().optional() }),
  evidence: z.looseObject({ ...of, path: text, what: text }),
  diagnosis: z.looseObject({
    ...of,
    check: name.optional(),
    diagnoses: z.array(diagnosis),
    telling: z.array(quote),
  }),
  "watch.violated": z.looseObject({
    ...of,
    check: name.optional(),
    watcher: text,
    says: text,
    value: z.number(),
    limit: z.number(),
  }),
  note: z.looseObject({ scenario: name.optional(), text }),
  failure: z.looseObject({ scenario: name.optional(), where: text, failure }),
  "scenario.finished": z.looseObject({
    ...of,
    verdict,
    ms,
    failure: failure.optional(),
    evidenceMs: ms.optional(),
    removalMs: ms.optional(),
  }),
  "run.finished": z.looseObject({
    ms,
    exitCode: z.int().min(0).max(255),
    load: z.number().optional(),
    share: z.number().optional(),
    interrupted: z.enum(["SIGINT", "SIGTERM", "SIGHUP", "deadline"]).optional(),
  }),
};

const head = z.looseObject({
  v: z.int(),
  // Milliseconds that a Date can hold.
  t: z.number().min(0).max(8.64e15),
  type: text,
});

/**
 * One event of a record.
 * @returns undefined for a type that this version does not know; `wrong` for what is no event
 */
export function readEvent(value: unknown): RecordedEvent | { readonly wrong: string } | undefined {
  const start = head.safeParse(value);
  if (!start.success) return { wrong: `it is no event: ${problemOf(start.error)}` };
  const { v, type } = start.data;
  if (!READ_VERSIONS.includes(v)) {
    return { wrong: `it is of version ${v}, and this pvh reads ${READ_VERSIONS.join(" and ")}` };
  }
  if (!Object.hasOwn(FIELDS, type)) return undefined;
  const fields = FIELDS[type as RecordedEvent["type"]].safeParse(value);
  if (!fields.success) return { wrong: `it is no ${type}: ${problemOf(fields.error)}` };
  return value as RecordedEvent;
}

function problemOf({ issues }: z.ZodError): string {
  const [first] = issues;
  return `${first?.path.join(".") ?? ""} ${first?.message ?? ""}`.trim().slice(0, 200);
}
