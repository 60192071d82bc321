import { readFileSync, statSync } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import { readRecord } from "../../reports/read-record.ts";
import type { ReadRecord } from "../../reports/read-record.ts";
import { PvhError } from "../errors.ts";
import { EVENTS_FILE } from "../run/event-log.ts";
import { RUNS } from "../run/run-directory.ts";
import type { RunDirectory } from "../run/run-directory.ts";

/** Bytes of a record that is read; one of ten thousand checks has three million. */
const LONGEST = 256 << 20;

/** A record, and the folder in which it stands. */
export interface FoundRecord {
  readonly directory: RunDirectory;
  readonly record: ReadRecord;
}

/**
 * The record of a run, as far as it can be read.
 * @param word folder of a run, its events.jsonl, its name below .pvh/runs, or `latest`
 * @throws PvhError PVH_USAGE where there is none
 */
export function readRecordOf(word: string): FoundRecord {
  const found = [word, join(RUNS, word)]
    .flatMap((path) => [path, join(path, EVENTS_FILE)])
    .find((path) => statSync(path, { throwIfNoEntry: false })?.isFile() === true);
  if (found === undefined) {
    throw new PvhError("PVH_USAGE", `${word} is no run: it has no ${EVENTS_FILE}`, {
      hint: "pvh runs lists them",
    });
  }
  const { size } = statSync(found);
  if (size > LONGEST)
    throw new PvhError("PVH_USAGE", `${found} has ${size} bytes: it is no record`);
  const folder = resolve(dirname(found));
  const shown = relative(process.cwd(), folder);
  return {
    directory: { run: basename(folder), folder, shown: shown.startsWith("..") ? folder : shown },
    record: readRecord(readFileSync(found, "utf8")),
  };
}
