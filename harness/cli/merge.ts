import {
  cpSync,
  existsSync,
  globSync,
  lstatSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { EXIT } from "../../reports/exit-codes.ts";
import type { ExitCode } from "../../reports/exit-codes.ts";
import { mergeRuns, NotOneRun } from "../../reports/merge.ts";
import { readRecord } from "../../reports/read-record.ts";
import { foldRun } from "../../reports/run-state.ts";
import type { RecordedEvent } from "../../reports/events.ts";
import { closingLine } from "../../reports/terminal.ts";
import { PvhError } from "../errors.ts";
import { EVENTS_FILE, toLine } from "../run/event-log.ts";
import { makeRunDirectory, newRunName, RUNS } from "../run/run-directory.ts";
import { keepDurations } from "../run/history.ts";
import { writeReports } from "../run/write-reports.ts";
import type { Call } from "./command.ts";
import { JunitFile } from "./junit-file.ts";
import { liveReport } from "./progress.ts";
import { writePage } from "./report-page.ts";

/** Bytes of a record that is read. */
const LONGEST = 256 << 20;

/**
 * `pvh merge <run…>`: one run of the parts that `--shard` made, with its reports and its exit code.
 * @throws PvhError PVH_USAGE for what is no run, and for parts of different ones
 */
export async function mergeCommand({ args, out }: Call): Promise<ExitCode> {
  const folders = args.words.map(folderOf);
  const records = folders.map(eventsIn);
  const junitPath = args.text("junit");
  const junit = junitPath === undefined ? undefined : new JunitFile(junitPath);
  // Parts that are refused leave no run behind.
  const run = newRunName();
  const events = merged(records, run);
  const directory = makeRunDirectory(run);
  writeFileSync(join(directory.folder, EVENTS_FILE), events.map(toLine).join(""));
  const state = foldRun(events);
  for (const [index, folder] of folders.entries()) {
    keepEvidence(folder, records[index] ?? [], directory.folder);
  }
  const live = liveReport("plain", process.stderr);
  for (const event of events) live.event(event);
  live.stop();
  const [unwritten] = [...writeReports(state, directory), ...writePage(directory, state)];
  if (unwritten !== undefined) throw unwritten;
  await keepDurations(state);
  for (const line of live.closing(directory.shown)) out.say(line);
  junit?.fill(join(directory.folder, "junit.xml"));
  out.data(closingLine(state));
  return (state.finished?.exitCode ?? EXIT.bug) as ExitCode;
}

function merged(records: readonly (readonly RecordedEvent[])[], run: string): RecordedEvent[] {
  try {
    return mergeRuns(records, run, Date.now());
  } catch (error) {
    if (!(error instanceof NotOneRun)) throw error;
    throw new PvhError("PVH_USAGE", error.message, {
      hint: "give the run directories of all shards of one run, each once; shards need the same .pvh/history",
      cause: error,
    });
  }
}

/** A run's folder, or one that holds nothing but the runs of one job: then that of the last one. */
function folderOf(word: string): string {
  const places = [word, join(RUNS, word), join(word, "latest"), join(word, RUNS, "latest")];
  const found = places.find((folder) => existsSync(join(folder, EVENTS_FILE))) ?? lastRunIn(word);
  if (found !== undefined) return found;
  throw new PvhError("PVH_USAGE", `${word} is no run: there is no ${EVENTS_FILE} in it`, {
    hint: `name a folder below ${RUNS}, or an artifact that holds one`,
  });
}

/** An artifact need not hold the link to the last run. */
function lastRunIn(folder: string): string | undefined {
  return globSync(["*", `${RUNS}/*`], { cwd: folder })
    .filter((name) => existsSync(join(folder, name, EVENTS_FILE)))
    .sort()
    .map((name) => join(folder, name))
    .at(-1);
}

/** Events up to the first line that is none: a record that another machine wrote need not be whole. */
function eventsIn(folder: string): readonly RecordedEvent[] {
  const file = join(folder, EVENTS_FILE);
  const { size } = statSync(file);
  if (size > LONGEST) throw new PvhError("PVH_USAGE", `${file} has ${size} bytes: it is no record`);
  return readRecord(readFileSync(file, "utf8")).events;
}

/** Files of the scenarios of a run; names come from a record that a machine elsewhere wrote. */
function keepEvidence(from: string, events: readonly RecordedEvent[], to: string): void {
  const names = new Set(
    events.flatMap((event) => (event.type === "evidence" ? [event.scenario] : [])),
  );
  for (const name of names) {
    if (!/^[\w.~-]+$/.test(name) || /^\.*$/.test(name)) continue;
    const folder = join(from, name);
    if (lstatSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) continue;
    const isPlain = (path: string): boolean => {
      const facts = lstatSync(path);
      return facts.isFile() || facts.isDirectory();
    };
    cpSync(folder, join(to, name), { recursive: true, filter: isPlain });
  }
}
