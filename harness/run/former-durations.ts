import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import type { FormerDurations } from "../catalogue/mutant-order.ts";
import { RUNS } from "./run-directory.ts";

/** Number of runs that are read, the latest first. */
const LATEST = 20;

/** The fields of summary.json that tell durations. */
const summary = z.object({
  quirks: z.array(z.string()),
  interrupted: z.string().optional(),
  ms: z.number(),
  scenarios: z.array(
    z.object({
      checks: z.array(z.object({ id: z.string(), verdict: z.string(), ms: z.number() })),
    }),
  ),
});

/**
 * Durations that the records below `.pvh/runs` tell; of several the latest counts. A record that
 * is missing or cannot be read tells nothing.
 */
export function formerDurations(base = process.cwd()): FormerDurations {
  const checks = new Map<string, number>();
  const quirks = new Map<string, number>();
  const runs = join(base, RUNS);
  for (const run of foldersIn(runs).sort().reverse().slice(0, LATEST)) {
    readInto(checks, join(runs, run));
    for (const part of foldersIn(join(runs, run))) {
      const read = readInto(checks, join(runs, run, part));
      const [quirk, ...more] = read?.quirks ?? [];
      if (read === undefined || quirk === undefined || more.length > 0) continue;
      if (read.interrupted === undefined && !quirks.has(quirk)) quirks.set(quirk, read.ms);
    }
  }
  return { checks, quirks };
}

function readInto(
  checks: Map<string, number>,
  folder: string,
): z.infer<typeof summary> | undefined {
  const read = readSummary(join(folder, "summary.json"));
  for (const { id, verdict, ms } of read?.scenarios.flatMap((one) => one.checks) ?? []) {
    if (verdict === "passed" && !checks.has(id)) checks.set(id, ms);
  }
  return read;
}

function readSummary(path: string): z.infer<typeof summary> | undefined {
  try {
    return summary.safeParse(JSON.parse(readFileSync(path, "utf8"))).data;
  } catch {
    return undefined;
  }
}

/** Links, `latest` among them, are no folders. */
function foldersIn(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => name);
  } catch {
    return [];
  }
}
