import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { beside, conformanceCounts, conformanceRows } from "../../reports/conformance.ts";
import type { Conformance, ConformanceRow, JudgedImage } from "../../reports/conformance.ts";
import { conformanceMarkdown, conformanceText } from "../../reports/conformance-report.ts";
import type { RecordedEvent } from "../../reports/events.ts";
import { EXIT } from "../../reports/exit-codes.ts";
import type { ExitCode } from "../../reports/exit-codes.ts";
import { foldRun } from "../../reports/run-state.ts";
import type { RunState } from "../../reports/run-state.ts";
import { catalogue } from "../catalogue/catalogue.ts";
import { clock } from "../clock/clock.ts";
import { PvhError } from "../errors.ts";
import { nothingSelected } from "../project/project.ts";
import { discover } from "../run/discover.ts";
import type { DiscoveredScenario } from "../run/discovered-scenario.ts";
import { makePartDirectory, makeRunDirectory } from "../run/run-directory.ts";
import type { RunDirectory } from "../run/run-directory.ts";
import { runScenarios } from "../run/run.ts";
import type { RunResult } from "../run/run.ts";
import { select } from "../run/selection.ts";
import type { Selected } from "../run/selection.ts";
import { messageOfThrown } from "../thrown.ts";
import type { Call } from "./command.ts";
import type { Target } from "../run/prepare-run.ts";
import { readRecordOf } from "./read-record-of.ts";
import { preparationOf } from "./preparation.ts";
import { liveReport } from "./progress.ts";
import { readRunFlags } from "./run-flags.ts";

/** Folders of the two runs in the record. */
type Side = "image" | "against";

/** A run, of this command or a former one. */
interface JudgedSide {
  readonly image: JudgedImage;
  readonly events: readonly RecordedEvent[];
  readonly exitCode: ExitCode;
}

/** The reference as the documents promise it. */
const STRICT = "strict";
/** Exit codes of a run that has judged what there is to judge. */
const JUDGED: readonly ExitCode[] = [EXIT.pass, EXIT.failed, EXIT.neverReady, EXIT.flaky];

/**
 * `pvh conformance --image REF [filter…]`: run the checks on an image and on what it is held against, and
 * tell of each promise how the image stands to it. Exit 1 when it departs from one.
 *
 * @throws PvhError PVH_USAGE without an image
 */
export async function conformanceCommand(call: Call): Promise<ExitCode> {
  const { args, out } = call;
  const flags = readRunFlags(args, "longest first");
  const former = { image: args.text("imageRun"), against: args.text("againstRun") };
  const { image, broker } = flags;
  if (image === undefined && former.image === undefined) {
    throw new PvhError("PVH_USAGE", "pvh conformance needs --image, the image to be judged", {
      hint: "an image on the engine, or a docker save tarball; --image-run names a former run of it",
    });
  }
  clock.scale = flags.options.timeoutScale;
  const selected = select(await discover(), args.words.join(" "));
  if (selected.length === 0) {
    out.say(await nothingSelected());
    return EXIT.nothing;
  }
  const directory = makeRunDirectory();
  const sideOf = async (side: Side, reference: string, target: Target): Promise<JudgedSide> => {
    const run = former[side];
    if (run !== undefined) return formerSide(run);
    const result = await runSide(call, flags, selected, makePartDirectory(directory, side), target);
    const { events } = readRecordOf(join(directory.folder, side)).record;
    return { image: judged(reference, result.state), events, exitCode: result.exitCode };
  };
  const against = args.text("against") ?? STRICT;
  const theirs = await sideOf("against", against, against === STRICT ? {} : { image: against });
  if (!JUDGED.includes(theirs.exitCode)) return told(theirs, "against", directory, call);
  const mine = await sideOf("image", image ?? "", { image, broker });
  if (!JUDGED.includes(mine.exitCode)) return told(mine, "image", directory, call);
  const conformance: Conformance = {
    version: 2,
    image: mine.image,
    against: theirs.image,
    // A former run may have judged more.
    rows: conformanceRows(mine.events, theirs.events, (check) => catalogue().get(check)).filter(
      (row) => isSelected(row, selected),
    ),
  };
  if (args.flag("json")) out.data(JSON.stringify(conformance, null, 2));
  else out.data(conformanceText(conformance));
  if (args.flag("json")) out.say(conformanceCounts(conformance));
  out.say(besideReal(conformance));
  write(directory, "conformance.json", `${JSON.stringify(conformance, null, 2)}\n`);
  write(directory, "conformance.md", conformanceMarkdown(conformance));
  out.say(`record     ${directory.shown}/conformance.md`);
  const departs = conformance.rows.some(({ conformity }) =>
    ["gap", "harmful", "neither"].includes(conformity),
  );
  return departs ? EXIT.failed : EXIT.pass;
}

function isSelected(
  { scenario, check }: ConformanceRow,
  selected: readonly Selected<DiscoveredScenario>[],
): boolean {
  return selected.some((one) => one.scenario.name === scenario && one.checks.includes(check));
}

async function runSide(
  { out, signal }: Call,
  { options, progress }: ReturnType<typeof readRunFlags>,
  selected: readonly Selected<DiscoveredScenario>[],
  directory: RunDirectory,
  target: Target,
): Promise<RunResult> {
  const given = { ...options };
  Reflect.deleteProperty(given, "image");
  const live = liveReport(progress, process.stderr);
  try {
    return await runScenarios(
      selected,
      preparationOf(selected, target, out),
      directory,
      {
        ...given,
        command: ["conformance"],
        ...(target.image !== undefined && { image: target.image }),
      },
      { signal, onEvent: (event) => live.event(event) },
    );
  } finally {
    live.stop();
  }
}

/**
 * @param word a former run: its folder, or its name below .pvh/runs
 * @throws PvhError PVH_USAGE for one that has not ended, has not judged what was selected, or is none
 */
function formerSide(word: string): JudgedSide {
  const { events, stopped } = readRecordOf(word).record;
  if (stopped !== undefined) throw new PvhError("PVH_USAGE", `${word} is not whole: ${stopped}`);
  const state = foldRun(events);
  const ended = state.finished?.exitCode;
  const exitCode = JUDGED.find((code) => code === ended);
  if (exitCode === undefined) {
    throw new PvhError(
      "PVH_USAGE",
      `${word} has not judged it all: its exit code is ${ended ?? "missing"}`,
      {
        hint: "pvh report shows why; run it again",
      },
    );
  }
  const reference = state.started?.profile === STRICT ? STRICT : (state.started?.image ?? "");
  return { image: judged(reference, state), events, exitCode };
}

function judged(reference: string, { imageId }: RunState): JudgedImage {
  return { reference, ...(imageId !== undefined && { id: imageId }) };
}

/** The image beside 029-32, as far as the catalogue knows that. */
function besideReal(conformance: Conformance): string {
  const known = new Map(
    [...catalogue().values()].flatMap(({ id, real }) =>
      real === "ok" || real === "gap" || real === "bad"
        ? [[id, real === "ok" ? "keeps" : "departs"] as const]
        : [],
    ),
  );
  const { alike, other, unjudged } = beside(conformance, known);
  const counts = `${alike} as 029-32, ${other.length} otherwise, ${unjudged} not judged`;
  return [`beside     ${counts}`, ...other.map((check) => `           ${check}`)].join("\n");
}

/** A side that could not be judged leaves nothing to compare. */
function told(
  { exitCode }: JudgedSide,
  side: Side,
  { shown }: RunDirectory,
  { out }: Call,
): ExitCode {
  out.say(`nothing can be compared: the run of '${side}' ended with exit code ${exitCode}`);
  out.say(`record     ${shown}/${side}/README`);
  return exitCode;
}

/** @throws PvhError PVH_NO_SPACE */
function write({ folder }: RunDirectory, name: string, text: string): void {
  const path = join(folder, name);
  try {
    writeFileSync(path, text);
  } catch (cause) {
    const why = messageOfThrown(cause);
    throw new PvhError("PVH_NO_SPACE", `${path} cannot be written: ${why}`, { cause });
  }
}
