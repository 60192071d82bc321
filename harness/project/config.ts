import { inspect } from "node:util";
import * as z from "zod";
import { PvhError } from "../errors.ts";
import { didYouMean } from "../near-names.ts";

const paths = z
  .union([z.string(), z.array(z.string())], { error: "expected a text, or a list of texts" })
  .transform((one) => [one].flat());

/** Schema of pvh.config.ts; a path is relative to the folder of that file. */
const schema = z.strictObject({
  scenarios: paths.default(["scenarios/**/*.scenario.ts"]),
  containers: paths.optional(),
  exports: paths.default([]),
  catalogue: z.string().optional(),
  matrix: z.boolean().default(false),
  target: z
    .strictObject({
      image: z.string().optional(),
      profile: z.enum(["strict", "compat", "slow"]).optional(),
      broker: z.enum(["native", "reference"]).optional(),
      boot: z.enum(["auto", "manual"]).optional(),
    })
    .default({}),
  timeouts: z
    .strictObject({
      check: z.number().positive().optional(),
      run: z.number().positive().optional(),
      scale: z.number().positive().optional(),
    })
    .default({}),
  reporters: z
    .strictObject({
      junit: z.string().optional(),
      progress: z.enum(["auto", "tty", "plain", "json", "quiet"]).optional(),
      timings: z.boolean().optional(),
    })
    .default({}),
  baseline: z.string().optional(),
  runs: z
    .strictObject({
      keep: z
        .union([z.int().positive(), z.literal("all")], {
          error: 'expected a number of runs, or "all"',
        })
        .optional(),
      mebibytes: z.number().positive().optional(),
    })
    .default({}),
});

/** A key that is left out has its default. */
export type ProjectConfig = z.output<typeof schema>;

/** The configuration of a project, pvh.config.ts. */
export interface UserConfig {
  /** Globs of scenario files, `NAME.scenario.ts`; default `scenarios/**\/*.scenario.ts`. */
  readonly scenarios?: string | readonly string[];
  /** Folders that hold a folder for each container; default `containers`, where there is one. */
  readonly containers?: string | readonly string[];
  /** Exports that every appengine gets besides the containers of its scenario; paths or globs. */
  readonly exports?: string | readonly string[];
  /** Catalogue of the project's own promises: a JSON list of `{ id, promise, suite?, src?, quirk? }`. */
  readonly catalogue?: string;
  /** True: `pvh run` also runs the scenarios that pvh brings, which check Pantavisor's own promises. */
  readonly matrix?: boolean;
  /** Target of runs that name none; without an image, the reference appengine. */
  readonly target?: {
    /** Image on the engine, or a docker save tarball. */
    readonly image?: string;
    readonly profile?: "strict" | "compat" | "slow";
    readonly broker?: "native" | "reference";
    readonly boot?: "auto" | "manual";
  };
  readonly timeouts?: {
    /** Milliseconds that a check may take; default 30,000. */
    readonly check?: number;
    /** Seconds after which a run ends, with every report. */
    readonly run?: number;
    /** Factor for every deadline. */
    readonly scale?: number;
  };
  readonly reporters?: {
    /** File for junit.xml, besides that in the run directory. */
    readonly junit?: string;
    readonly progress?: "auto" | "tty" | "plain" | "json" | "quiet";
    /** Print where the time of each scenario went. */
    readonly timings?: boolean;
  };
  /** A former run, or its summary.json: what failed there may fail. */
  readonly baseline?: string;
  /** Old runs that stay in .pvh/runs; a run that a link there names stays in any case. */
  readonly runs?: {
    /** Number of runs; default 50. `all`: none is removed. */
    readonly keep?: number | "all";
    /** MiB of all of them; default 5,120. */
    readonly mebibytes?: number;
  };
}

/** Gives the configuration its type in an editor. */
export function defineConfig(config: UserConfig): UserConfig {
  return config;
}

/**
 * @param file as messages name it
 * @throws PvhError PVH_USAGE with the key, what was expected, and near names
 */
export function parseConfig(value: unknown, file: string): ProjectConfig {
  const { success, data, error } = schema.safeParse(value);
  if (success) return data;
  const problems = error.issues.map((issue) => problemOf(issue, value));
  const [first] = problems;
  throw new PvhError(
    "PVH_USAGE",
    problems.map(({ text }) => `${file}: ${text}`).join("\n"),
    first?.hint === undefined ? {} : { hint: first.hint },
  );
}

function problemOf(
  issue: z.core.$ZodIssue,
  value: unknown,
): { readonly text: string; readonly hint?: string | undefined } {
  const path = issue.path.map(String).join(".");
  if (issue.code !== "unrecognized_keys") {
    const found = inspect(valueAt(value, issue.path), { breakLength: Infinity });
    const where = path === "" ? "its default export" : path;
    return { text: `${where}: ${messageOf(issue)}, and it is ${found.slice(0, 200)}` };
  }
  const known = keysOf(path);
  const keys = issue.keys.map((key) => (path === "" ? key : `${path}.${key}`)).join(", ");
  return {
    text: `${keys}: there is no such key; expected ${known.join(", ")}`,
    hint: issue.keys.map((key) => didYouMean(key, known)).find((one) => one !== undefined),
  };
}

function messageOf(issue: z.core.$ZodIssue): string {
  return issue.message.replace(/^Invalid (input|option): /, "").replace(/, received .*$/, "");
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (at, key) => (typeof at === "object" && at !== null ? (Reflect.get(at, key) as unknown) : at),
    value,
  );
}

/** Keys that the configuration, or a part of it, may have. */
function keysOf(path: string): string[] {
  const part: unknown = path === "" ? schema : schema.shape[path as keyof typeof schema.shape];
  const inner = part instanceof z.ZodDefault ? part.unwrap() : part;
  return inner instanceof z.ZodObject ? Object.keys(inner.shape) : [];
}
