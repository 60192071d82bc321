import type { BootMode } from "../appengine/appengine.ts";
import type { BootStage } from "../../reports/events.ts";
import { PROFILES } from "../catalogue/profiles.ts";
import type { Profile } from "../catalogue/profiles.ts";
import { PvhError } from "../errors.ts";
import type { ContainerDefinition } from "../exports/container-definition.ts";
import { discoverNamed, problemsOf } from "../run/discover.ts";
import { BROKERS } from "../run/prepare-run.ts";
import type { BrokerChoice } from "../run/prepare-run.ts";
import type { Args } from "./command.ts";
import { oneOf, positiveNumber, quirkList } from "./parse-value.ts";

/** The appengine that `pvh up` boots. */
export interface UpPlan {
  readonly containers: readonly (string | ContainerDefinition)[];
  readonly boot: BootMode;
  readonly timeScale: number;
  readonly env: Readonly<Record<string, string>>;
  readonly until: BootStage;
  readonly quirks: readonly string[];
  readonly broker: BrokerChoice;
  /** A line for the user about what is not as in the scenario. */
  readonly note?: string;
}

/**
 * @throws PvhError PVH_USAGE, with near names for a scenario that does not exist; PVH_BAD_SCENARIO for
 *         one whose file is wrong
 */
export async function upPlan(args: Args): Promise<UpPlan> {
  const profile = oneOf(args, "profile", Object.keys(PROFILES) as Profile[]) ?? "strict";
  const boot = oneOf(args, "boot", ["auto", "manual"]);
  const timeScale = positiveNumber(args, "timeScale");
  const scenario = args.text("scenario");
  const common = {
    quirks: [...PROFILES[profile], ...quirkList(args)],
    broker: oneOf(args, "broker", BROKERS) ?? "native",
  };
  if (scenario === undefined) {
    const plain = { boot: boot ?? "auto", timeScale: timeScale ?? 1, env: {} };
    return { ...common, ...plain, until: "links", containers: args.list("with") };
  }
  const [found] = await discoverNamed([scenario]);
  const [problem] = found === undefined ? [] : problemsOf([found]);
  if (found === undefined || problem !== undefined) {
    throw new PvhError("PVH_BAD_SCENARIO", problem ?? `${scenario} cannot be loaded`);
  }
  const own = JSON.parse(found.boot) as Omit<UpPlan, "containers" | "boot"> & {
    readonly boot: BootMode | "none";
  };
  const bootsNone = own.boot === "none";
  return {
    ...common,
    ...own,
    boot: boot ?? (own.boot === "none" ? "auto" : own.boot),
    timeScale: timeScale ?? own.timeScale,
    containers: [...found.containers, ...args.list("with")],
    ...(bootsNone && { note: `the checks of ${scenario} boot appengines of their own, with more` }),
  };
}
