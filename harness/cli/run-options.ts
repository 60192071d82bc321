import { availableParallelism } from "node:os";
import { PvhError } from "../errors.ts";
import { PROFILES } from "../catalogue/profiles.ts";
import type { Profile } from "../catalogue/profiles.ts";
import type { RunOptions } from "../run/run.ts";
import type { Args, Option } from "./command.ts";
import { oneOf, quirkList, setLimits, timeoutScale, wholeNumber } from "./parse-value.ts";
import { PROGRESS } from "./progress.ts";
import type { Progress } from "./progress.ts";

/** Options of every command that runs scenarios. */
export const IMAGE_OPTION: Option = {
  flags: "--image <ref>",
  summary: "image on the engine, or a docker save tarball (default: the reference)",
};
export const BOOT_OPTION: Option = {
  flags: "--boot <mode>",
  summary: "auto: the image's entry point; manual: an idle container and pv-appengine",
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
  summary:
    "limits limits of each appengine: memory=4g,pids=8192,log=64m, or none (default: PVH_LIMITS)",
  many: true,
};
export const PROGRESS_OPTION: Option = {
  flags: "--progress <how>",
  summary: "how to report progress: auto, tty, plain, json or quiet",
};
export const JSON_OPTION: Option = { flags: "--json", summary: "data as JSON on stdout" };

export const RUN_OPTIONS: readonly Option[] = [
  IMAGE_OPTION,
  {
    flags: "--profile <name>",
    summary: "behaviour of the reference: strict (default), or compat as the real 029-32",
  },
  QUIRK_OPTION,
  BOOT_OPTION,
  { flags: "--jobs <n>", summary: "scenarios at a time (default: 2)" },
  { flags: "--repeat <n>", summary: "run everything n times" },
  { flags: "--retries <n>", summary: "try a failed scenario again; a pass is then flaky (exit 5)" },
  {
    flags: "--flaky <what>",
    summary: "result of a flaky pass: fail (default, exit 5) or pass",
  },
  {
    flags: "--deadline <seconds>",
    summary: "end the run after this time, with every report (exit 124)",
  },
  { flags: "--max-failures <n>", summary: "stop when n scenarios have failed" },
  { flags: "--seed <n>", summary: "seed of the checks' random choices" },
  { flags: "--keep <which>", summary: "when to keep evidence: failed (default), always or never" },
  TIMEOUT_SCALE_OPTION,
  LIMIT_OPTION,
  { flags: "--junit <file>", summary: "also write junit.xml to this file" },
  PROGRESS_OPTION,
  { flags: "--json", summary: "events as JSON lines on stdout" },
];

export interface RunFlags {
  readonly image: string | undefined;
  readonly junit: string | undefined;
  /** Milliseconds for the whole run. */
  readonly deadline: number | undefined;
  readonly progress: Progress;
  readonly json: boolean;
  readonly options: Omit<RunOptions, "command">;
  /** The flags that make the run what it is, as `--name=value`. */
  readonly given: readonly string[];
}

/** @throws PvhError PVH_USAGE */
export function readRunFlags(args: Args): RunFlags {
  const profile = oneOf(args, "profile", Object.keys(PROFILES) as Profile[]) ?? "strict";
  const image = args.text("image");
  const quirks = quirkList(args);
  if (image !== undefined && (quirks.length > 0 || profile !== "strict")) {
    const flag = quirks.length > 0 ? "--quirk" : `--profile ${profile}`;
    throw new PvhError("PVH_USAGE", `${flag} acts on the reference appengine only`, {
      hint: "leave --image out",
    });
  }
  const boot = oneOf(args, "boot", ["auto", "manual"]);
  // A timer holds 2^31 - 1 ms.
  const deadline = wholeNumber(args, "deadline", 1, 2_000_000);
  const limits = setLimits(args);
  const scale = timeoutScale(args);
  const retries = wholeNumber(args, "retries", 0);
  const jobs = wholeNumber(args, "jobs", 1);
  return {
    image,
    junit: args.text("junit"),
    deadline: deadline === undefined ? undefined : deadline * 1_000,
    progress: oneOf(args, "progress", PROGRESS) ?? "auto",
    json: args.flag("json"),
    options: {
      ...(image !== undefined && { image }),
      profile,
      quirks,
      ...(boot !== undefined && { boot }),
      keep: oneOf(args, "keep", ["failed", "always", "never"]) ?? "failed",
      timeoutScale: scale,
      seed: wholeNumber(args, "seed", 0) ?? Math.floor(Math.random() * 2 ** 31),
      jobs: jobs ?? Math.min(2, availableParallelism()),
      repeat: wholeNumber(args, "repeat", 1, 10_000) ?? 1,
      retries: retries ?? 0,
      flaky: oneOf(args, "flaky", ["fail", "pass"]) ?? "fail",
      maxFailures: wholeNumber(args, "maxFailures", 1) ?? Infinity,
    },
    given: [
      ...(image === undefined ? [] : [`--image=${image}`]),
      ...(profile === "strict" ? [] : [`--profile=${profile}`]),
      ...(quirks.length === 0 ? [] : [`--quirk=${quirks.join(",")}`]),
      ...(boot === undefined ? [] : [`--boot=${boot}`]),
      ...(limits === "" ? [] : [`--limit=${limits}`]),
      ...(scale === 1 ? [] : [`--timeout-scale=${scale}`]),
      ...(retries === undefined ? [] : [`--retries=${retries}`]),
      ...(jobs === undefined ? [] : [`--jobs=${jobs}`]),
    ],
  };
}
