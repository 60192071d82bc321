import type { Baseline } from "../../reports/events.ts";
import { scenarioName } from "../../reports/run-state.ts";
import { PvhError } from "../errors.ts";
import { listedEngines } from "../engine/listed-engines.ts";
import { PROFILES } from "../catalogue/profiles.ts";
import type { Profile } from "../catalogue/profiles.ts";
import { BROKERS } from "../run/prepare-run.ts";
import type { BrokerChoice } from "../run/prepare-run.ts";
import type { RunOptions } from "../run/run.ts";
import type { Order } from "../run/scenario-order.ts";
import { readShard } from "../run/shard.ts";
import type { Shard } from "../run/shard.ts";
import type { Args } from "./command.ts";
import { oneOf, quirkList, setLimits, timeoutScale, wholeNumber } from "./parse-value.ts";
import { PROGRESS } from "./progress.ts";
import type { Progress } from "./progress.ts";
import { readRun } from "./read-run.ts";
import { usualJobs } from "./usual-jobs.ts";

/** Value of `--image` for the reference, where a configuration names another image. */
const REFERENCE = "reference";

/** Seed of the runs that are parts of one. */
const SHARDS_SEED = 1;

export interface RunFlags {
  readonly image: string | undefined;
  /** Whose pv-xconnect mediates. */
  readonly broker: BrokerChoice;
  readonly junit: string | undefined;
  /** Milliseconds for the whole run. */
  readonly deadline: number | undefined;
  /** The part of the selection that is to run. */
  readonly shard: Shard | undefined;
  readonly progress: Progress;
  readonly json: boolean;
  /** Tell where each scenario's time went. */
  readonly timings: boolean;
  readonly options: Omit<RunOptions, "command">;
  /** The flags that make the run what it is, as `--name=value`. */
  readonly given: readonly string[];
}

/**
 * @param order in which scenarios begin without `--shuffle`
 * @throws PvhError PVH_USAGE
 */
export function readRunFlags(args: Args, order: Order): RunFlags {
  const profile = oneOf(args, "profile", Object.keys(PROFILES) as Profile[]) ?? "strict";
  const given = args.text("image");
  const image = given === REFERENCE ? undefined : given;
  const quirks = quirkList(args);
  if (image !== undefined && (quirks.length > 0 || profile !== "strict")) {
    const flag = quirks.length > 0 ? "--quirk" : `--profile ${profile}`;
    throw new PvhError("PVH_USAGE", `${flag} acts on the reference appengine only`, {
      hint: "leave --image out",
    });
  }
  const boot = oneOf(args, "boot", ["auto", "manual"]);
  const watch = oneOf(args, "watchers", ["fail", "note", "off"]);
  const broker = oneOf(args, "broker", BROKERS) ?? "native";
  // A timer holds 2^31 - 1 ms.
  const deadline = wholeNumber(args, "deadline", 1, 2_000_000);
  const limits = setLimits(args);
  const scale = timeoutScale(args);
  const retries = wholeNumber(args, "retries", 0);
  const jobs = wholeNumber(args, "jobs", 1);
  const baselineRun = args.text("baseline");
  const strict = args.flag("baselineStrict");
  if (strict && baselineRun === undefined) {
    throw new PvhError("PVH_USAGE", "--baseline-strict needs --baseline");
  }
  const shard = args.text("shard");
  const part = shard === undefined ? undefined : readShard(shard);
  const shuffle = wholeNumber(args, "shuffle", 0);
  const pause = args.flag("pauseOnFailure");
  if (pause && !process.stdin.isTTY) {
    throw new PvhError("PVH_USAGE", "--pause-on-failure needs a terminal", {
      hint: "--keep-appengine leaves the appengines running",
    });
  }
  return {
    image,
    broker,
    junit: args.text("junit"),
    deadline: deadline === undefined ? undefined : deadline * 1_000,
    shard: part,
    progress: oneOf(args, "progress", PROGRESS) ?? "auto",
    json: args.flag("json"),
    timings: args.flag("timings"),
    options: {
      ...(image !== undefined && { image }),
      profile,
      quirks,
      ...(boot !== undefined && { boot }),
      keep: oneOf(args, "keep", ["failed", "always", "never"]) ?? "failed",
      ...(watch !== undefined && { watch }),
      keepAppengine: args.flag("keepAppengine"),
      ...(pause && { pauseOnFailure: true, patience: { between: PAUSE } }),
      timeoutScale: scale,
      ownTime: args.flag("ownTime"),
      // The shards of a run are parts of it, and do not know each other.
      seed:
        wholeNumber(args, "seed", 0) ??
        (part === undefined ? Math.floor(Math.random() * 2 ** 31) : SHARDS_SEED),
      jobs: jobs ?? (pause ? 1 : usualJobs() * Math.max(1, listedEngines().length)),
      order: shuffle === undefined ? order : { shuffle },
      ...(baselineRun !== undefined && { baseline: baselineOf(baselineRun, strict) }),
      repeat: wholeNumber(args, "repeat", 1, 10_000) ?? 1,
      retries: retries ?? 0,
      flaky: oneOf(args, "flaky", ["fail", "pass"]) ?? "fail",
      maxFailures: wholeNumber(args, "maxFailures", 1) ?? Infinity,
    },
    given: [
      ...(part === undefined ? [] : [`--shard=${part.index}/${part.count}`]),
      ...(image === undefined ? [] : [`--image=${image}`]),
      ...(profile === "strict" ? [] : [`--profile=${profile}`]),
      ...(quirks.length === 0 ? [] : [`--quirk=${quirks.join(",")}`]),
      ...(broker === "native" ? [] : [`--broker=${broker}`]),
      ...(boot === undefined ? [] : [`--boot=${boot}`]),
      ...(watch === undefined ? [] : [`--watchers=${watch}`]),
      ...(limits === "" ? [] : [`--limit=${limits}`]),
      ...(scale === 1 ? [] : [`--timeout-scale=${scale}`]),
      ...(args.flag("ownTime") ? ["--own-time"] : []),
      ...(retries === undefined ? [] : [`--retries=${retries}`]),
      ...(jobs === undefined ? [] : [`--jobs=${jobs}`]),
      ...(shuffle === undefined ? [] : [`--shuffle=${shuffle}`]),
      ...(baselineRun === undefined ? [] : [`--baseline=${baselineRun}`]),
      ...(strict ? ["--baseline-strict"] : []),
    ],
  };
}

/** Milliseconds that a person may look: a day. */
const PAUSE = 86_400_000;

/** @throws PvhError PVH_USAGE for what is no record of a run */
function baselineOf(word: string, strict: boolean): Baseline {
  const { run, scenarios } = readRun(word);
  const known = scenarios.flatMap(({ name, checks }) =>
    checks
      .filter(({ verdict }) => verdict === "failed" || verdict === "known")
      .map(({ id }) => `${scenarioName(name)} ${id}`),
  );
  return { run, known: [...new Set(known)], strict };
}
