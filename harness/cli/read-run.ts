import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import { foldRecord } from "../../reports/read-record.ts";
import { summarise } from "../../reports/summary.ts";
import { PvhError } from "../errors.ts";
import { EVENTS_FILE } from "../run/event-log.ts";
import { RUNS } from "../run/run-directory.ts";
import { messageOfThrown } from "../thrown.ts";
import { readRecordOf } from "./read-record-of.ts";

/** Bytes of a record that is read; one of ten thousand checks has three million. */
const LONGEST = 256 << 20;

/** The fields of summary.json that other runs are held against. */
const summary = z.object({
  run: z.string(),
  image: z.string(),
  profile: z.string(),
  scenarios: z
    .array(
      z.object({
        name: z.string(),
        checks: z
          .array(z.object({ id: z.string(), verdict: z.string(), message: z.string().optional() }))
          .readonly(),
      }),
    )
    .readonly(),
});

/**
 * @param word folder of a run, its summary.json, its name below .pvh/runs, or `latest`
 * @throws PvhError PVH_USAGE for what holds no record of a run
 */
export function readRun(word: string): z.infer<typeof summary> {
  const places = [word, join(RUNS, word)].flatMap((path) => [path, join(path, "summary.json")]);
  const file = places.find((path) => isFile(path));
  if (file !== undefined) return parsed(file);
  // A run that was killed has no summary, but its events.
  const events = [word, join(RUNS, word)].map((path) => join(path, EVENTS_FILE)).find(isFile);
  if (events !== undefined) return summarise(foldRecord(readRecordOf(events).record));
  throw new PvhError(
    "PVH_USAGE",
    `${word} is no run: it has neither summary.json nor ${EVENTS_FILE}`,
    {
      hint: `name a folder below ${RUNS}, or its summary.json`,
    },
  );
}

function parsed(file: string): z.infer<typeof summary> {
  try {
    return summary.parse(JSON.parse(textOf(file)));
  } catch (cause) {
    if (cause instanceof PvhError) throw cause;
    const why = messageOfThrown(cause).replaceAll(/\s+/g, " ").slice(0, 200);
    throw new PvhError("PVH_USAGE", `${file} is no summary of a run: ${why}`, { cause });
  }
}

function textOf(file: string): string {
  const { size } = statSync(file);
  if (size > LONGEST) throw new PvhError("PVH_USAGE", `${file} has ${size} bytes: it is no record`);
  return readFileSync(file, "utf8");
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}
