import type { Option } from "./command.ts";

export const IMAGE_OPTION: Option = {
  flags: "--image <ref>",
  summary: "image on the engine, or a docker save tarball (default: the reference)",
};
export const BOOT_OPTION: Option = {
  flags: "--boot <mode>",
  summary: "auto: the image's entry point; manual: an idle container and pv-appengine",
};
export const BROKER_OPTION: Option = {
  flags: "--broker <which>",
  summary: "native: the image's (default); reference: the strict reference's, under its Pantavisor",
};
export const QUIRK_OPTION: Option = {
  flags: "--quirk <names>",
  summary: "deviations of the reference, comma-separated",
  many: true,
};
export const TIMEOUT_SCALE_OPTION: Option = {
  flags: "--timeout-scale <x>",
  summary: "multiply every deadline",
};
export const LIMIT_OPTION: Option = {
  flags: "--limit <limits>",
  summary: "limits of each appengine: memory=4g,pids=8192,log=64m, or none (default: PVH_LIMITS)",
  many: true,
};
const PROGRESS_OPTION: Option = {
  flags: "--progress <how>",
  summary: "how to report progress: auto, tty, plain, json or quiet",
};
export const JSON_OPTION: Option = { flags: "--json", summary: "data as JSON on stdout" };

export const PROFILE_OPTION: Option = {
  flags: "--profile <name>",
  summary:
    "behaviour of the reference: strict (default), compat as the real 029-32, slow as that one",
};

/** Options of every command that runs scenarios. */
export const RUN_OPTIONS: readonly Option[] = [
  IMAGE_OPTION,
  PROFILE_OPTION,
  QUIRK_OPTION,
  BROKER_OPTION,
  BOOT_OPTION,
  { flags: "--jobs <n>", summary: "scenarios at a time (default: two for each core, at most 8)" },
  {
    flags: "--shuffle <seed>",
    summary: "begin the scenarios in an order that the seed tells (run: the longest first)",
  },
  { flags: "--repeat <n>", summary: "run everything n times" },
  {
    flags: "--shard <i/n>",
    summary:
      "run the i-th of n parts that take about as long; auto: as CI_NODE_INDEX or JOB_COMPLETION_INDEX say",
  },
  { flags: "--retries <n>", summary: "try a failed scenario again; a pass is then flaky (exit 5)" },
  {
    flags: "--flaky <what>",
    summary: "result of a flaky pass: fail (default, exit 5) or pass",
  },
  {
    flags: "--deadline <seconds>",
    summary: "end the run after this time, with every report (exit 124)",
  },
  {
    flags: "--baseline <run>",
    summary: "a former run, or its summary.json: what failed there may fail, and counts as skipped",
  },
  {
    flags: "--baseline-strict",
    summary: "a check that failed in the baseline and passes fails the run too",
  },
  { flags: "--max-failures <n>", summary: "stop when n scenarios have failed" },
  { flags: "--seed <n>", summary: "seed of the checks' random choices" },
  { flags: "--keep <which>", summary: "when to keep evidence: failed (default), always or never" },
  {
    flags: "--pause-on-failure",
    summary: "hold everything after a failed check until you press Enter",
  },
  {
    flags: "--watchers <how>",
    summary:
      "what leaks, lags or logs errors: fail (default for the reference), note (for --image), off",
  },
  { flags: "--keep-appengine", summary: "leave the appengines of failed scenarios running" },
  TIMEOUT_SCALE_OPTION,
  {
    flags: "--own-time",
    summary:
      "also run, on an image of its own, scenarios that divide time: in its own time, up to hours",
  },
  LIMIT_OPTION,
  { flags: "--junit <file>", summary: "also write junit.xml to this file" },
  { flags: "--timings", summary: "print where the time of each scenario went" },
  PROGRESS_OPTION,
  { flags: "--json", summary: "events as JSON lines on stdout" },
];

/** Options of `pvh watch`: those that have a meaning for a run after another. */
export const WATCH_OPTIONS: readonly Option[] = RUN_OPTIONS.filter(({ flags }) =>
  /^--(profile|quirk|jobs|seed|keep|timeout-scale|limit|progress)\b/.test(flags),
);

/** Options of `pvh conformance`. */
export const CONFORMANCE_OPTIONS: readonly Option[] = [
  {
    flags: "--against <what>",
    summary: "strict: the reference (default), or another image",
  },
  { flags: "--image-run <run>", summary: "a former run of the image, in place of a new one" },
  {
    flags: "--against-run <run>",
    summary: "a former run of the other side, in place of a new one",
  },
  ...RUN_OPTIONS.filter(({ flags }) =>
    /^--(image|boot|jobs|retries|flaky|seed|keep|timeout-scale|own-time|limit|progress)\b/.test(
      flags,
    ),
  ),
  JSON_OPTION,
];

/** Options of `pvh bisect`. */
export const BISECT_OPTIONS: readonly Option[] = [
  { flags: "--good <ref>", summary: "an image on which the scenario passes" },
  { flags: "--bad <ref>", summary: "a later one on which it fails" },
  { flags: "--images <file>", summary: "the images, one a line, the oldest first" },
  ...RUN_OPTIONS.filter(({ flags }) => /^--(boot|seed|keep|timeout-scale|limit)\b/.test(flags)),
];

/** Options of `pvh import`. */
export const IMPORT_OPTIONS: readonly Option[] = [
  { flags: "--tarballs <dir>", summary: "folder of tarballs that the tests name", many: true },
  { flags: "--pvr <file>", summary: "pvr for the appengine, where its image has none" },
  {
    flags: "--normalise",
    summary: "compare without key order, blank lines, times, pids, sizes and digests",
  },
  { flags: "--record", summary: "write each output as the new golden" },
  { flags: "--deadline <seconds>", summary: "time for a test's script (default: 600)" },
  ...RUN_OPTIONS.filter(({ flags }) =>
    /^--(image|profile|quirk|jobs|timeout-scale|limit|junit|progress|json)\b/.test(flags),
  ),
];
