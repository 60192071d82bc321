import { availableParallelism } from "node:os";
import { PvhError } from "../errors.ts";
import { PROFILES } from "../run/profiles.ts";
import type { Profile } from "../run/profiles.ts";
import type { RunOptions } from "../run/run.ts";
import type { Args, Option } from "./command.ts";
import { oneOf, quirkList, timeoutScale, wholeNumber } from "./parse-value.ts";
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
  summary: "deviations that the reference is told to make, comma-separated",
  many: true,
};
export const TIMEOUT_SCALE_OPTION: Option = {
  flags: "--timeout-scale <x>",
  summary: "multiply every deadline",
};
export const PROGRESS_OPTION: Option = {
  flags: "--progress <how>",
  summary: "auto, tty, plain, json or quiet",
};
export const JSON_OPTION: Option = { flags: "--json", summary: "data as JSON on stdout" };

export const RUN_OPTIONS: readonly Option[] = [
  IMAGE_OPTION,
  {
    flags: "--profile <name>",
    summary: "what the reference does: strict (default) or compat, as the real 029-32",
  },
  QUIRK_OPTION,
  BOOT_OPTION,
  { flags: "--jobs <n>", summary: "scenarios at a time (default: 2)" },
  { flags: "--repeat <n>", summary: "run everything n times" },
  { flags: "--retries <n>", summary: "try a failed scenario again; a pass is then flaky (exit 5)" },
  { flags: "--max-failures <n>", summary: "stop when n scenarios have failed" },
  { flags: "--seed <n>", summary: "seed of the checks' random choices" },
  { flags: "--keep <which>", summary: "evidence of failed (default), always or never" },
  TIMEOUT_SCALE_OPTION,
  { flags: "--junit <file>", summary: "write junit.xml there too" },
  PROGRESS_OPTION,
  { flags: "--json", summary: "events as JSON lines on stdout" },
];

export interface RunFlags {
  readonly image: string | undefined;
  readonly junit: string | undefined;
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
  const scale = timeoutScale(args);
  const retries = wholeNumber(args, "retries", 0);
  const jobs = wholeNumber(args, "jobs", 1);
  return {
    image,
    junit: args.text("junit"),
    progress: oneOf(args, "progress", PROGRESS) ?? "auto",
    json: args.flag("json"),
    options: {
      profile,
      quirks,
      ...(boot !== undefined && { boot }),
      keep: oneOf(args, "keep", ["failed", "always", "never"]) ?? "failed",
      timeoutScale: scale,
      seed: wholeNumber(args, "seed", 0) ?? Math.floor(Math.random() * 2 ** 31),
      jobs: jobs ?? Math.min(2, availableParallelism()),
      repeat: wholeNumber(args, "repeat", 1, 10_000) ?? 1,
      retries: retries ?? 0,
      maxFailures: wholeNumber(args, "maxFailures", 1) ?? Infinity,
    },
    given: [
      ...(image === undefined ? [] : [`--image=${image}`]),
      ...(profile === "strict" ? [] : [`--profile=${profile}`]),
      ...(quirks.length === 0 ? [] : [`--quirk=${quirks.join(",")}`]),
      ...(boot === undefined ? [] : [`--boot=${boot}`]),
      ...(scale === 1 ? [] : [`--timeout-scale=${scale}`]),
      ...(retries === undefined ? [] : [`--retries=${retries}`]),
      ...(jobs === undefined ? [] : [`--jobs=${jobs}`]),
    ],
  };
}
