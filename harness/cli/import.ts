import { join, resolve } from "node:path";
import { closingLine } from "../../reports/terminal.ts";
import { EXIT } from "../../reports/exit-codes.ts";
import type { ExitCode } from "../../reports/exit-codes.ts";
import { NATIVE } from "../../reports/events.ts";
import { PROFILES } from "../catalogue/profiles.ts";
import { clock } from "../clock/clock.ts";
import { findCleanEngine } from "../engine/leftovers.ts";
import { resolveImage } from "../image/resolve-image.ts";
import { findTests } from "../import/find-tests.ts";
import { importTests } from "../import/import-tests.ts";
import { TEST_DEADLINE } from "../import/run-test.ts";
import { programFile } from "../import/test-files.ts";
import { makeRunDirectory } from "../run/run-directory.ts";
import type { Args, Call } from "./command.ts";
import { JunitFile } from "./junit-file.ts";
import { wholeNumber } from "./parse-value.ts";
import { liveReport } from "./progress.ts";
import { describeError } from "./report-error.ts";
import { readRunFlags } from "./run-flags.ts";

/** Where an image of the format's own driver has it. */
const PVR = "usr/bin/pvr";

/** `pvh import DIR…`: run Pantavisor's own tests, directories of `pv-test@1`. */
export async function importCommand({ args, out, signal }: Call): Promise<ExitCode> {
  const flags = readRunFlags(args, "given");
  const { profile, quirks, jobs } = flags.options;
  const deadline = (wholeNumber(args, "deadline", 1) ?? TEST_DEADLINE / 1000) * 1000;
  clock.scale = flags.options.timeoutScale;
  const folders = findTests(args.words);
  if (folders.length === 0) {
    out.say(`no test.json is below ${args.words.join(", ")}`);
    return EXIT.nothing;
  }
  const pvr = args.text("pvr");
  const files = pvr === undefined ? [] : [programFile(PVR, resolve(pvr))];
  const junit = flags.junit === undefined ? undefined : new JunitFile(flags.junit);
  const progress = (line: string): void => out.say(line);
  const engine = await findCleanEngine({ signal, progress });
  const { bootImage, id, reference } = await resolveImage(engine, flags.image, {
    signal,
    progress,
  });
  const directory = makeRunDirectory();
  const live = liveReport(flags.progress, process.stderr);
  const { exitCode, state, unwritten } = await importTests(folders, directory, {
    engine,
    image: bootImage,
    imageId: id,
    profile: reference ? profile : NATIVE,
    quirks: reference ? [...PROFILES[profile], ...quirks] : [],
    given: quirks,
    command: ["import", ...args.words, ...flags.given, ...ownFlags(args)],
    signal,
    jobs,
    deadline,
    tarballs: args.list("tarballs"),
    files,
    normalise: args.flag("normalise"),
    record: args.flag("record"),
    onEvent: (event) => {
      live.event(event);
      if (flags.json) out.data(JSON.stringify(event));
    },
  }).finally(() => live.stop());
  for (const line of live.closing(directory.shown)) out.say(line);
  const line = closingLine(state);
  if (flags.json) out.say(line);
  else out.data(line);
  junit?.fill(join(directory.folder, "junit.xml"));
  for (const error of unwritten) out.say(describeError(error, undefined).text);
  return exitCode === EXIT.pass && unwritten.length > 0 ? EXIT.infra : exitCode;
}

function ownFlags(args: Args): string[] {
  const pvr = args.text("pvr");
  return [
    ...(pvr === undefined ? [] : [`--pvr=${pvr}`]),
    ...(args.flag("normalise") ? ["--normalise"] : []),
    ...args.list("tarballs").map((folder) => `--tarballs=${folder}`),
  ];
}
