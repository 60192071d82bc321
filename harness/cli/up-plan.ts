import type { BootMode } from "../appengine/appengine.ts";
import type { BootStage } from "../../reports/events.ts";
import { PROFILES } from "../catalogue/profiles.ts";
import type { Profile } from "../catalogue/profiles.ts";
import { PvhError } from "../errors.ts";
import { readDeviceJson } from "../exports/device-export.ts";
import type { JsonObject } from "../exports/json-value.ts";
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
  /** Appended to pantavisor's command line. */
  readonly cmdline: string;
  readonly device: JsonObject | undefined;
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
  const deviceJson = args.text("deviceJson");
  const variables = variablesOf(args);
  const common = {
    cmdline: args.text("cmdline") ?? "",
    device: deviceJson === undefined ? undefined : readDeviceJson(deviceJson),
    quirks: [...PROFILES[profile], ...quirkList(args)],
    broker: oneOf(args, "broker", BROKERS) ?? "native",
  };
  if (scenario === undefined) {
    const plain = { boot: boot ?? "auto", timeScale: timeScale ?? 1, env: variables };
    return started({ ...common, ...plain, until: "links", containers: args.list("with") });
  }
  const [found] = await discoverNamed([scenario]);
  const [problem] = found === undefined ? [] : problemsOf([found]);
  if (found === undefined || problem !== undefined) {
    throw new PvhError("PVH_BAD_SCENARIO", problem ?? `${scenario} cannot be loaded`);
  }
  const own = JSON.parse(found.boot) as Omit<
    UpPlan,
    "containers" | "boot" | "cmdline" | "device"
  > & {
    readonly boot: BootMode | "none";
  };
  const bootsNone = own.boot === "none";
  return started({
    ...common,
    ...own,
    env: { ...own.env, ...variables },
    boot: boot ?? (own.boot === "none" ? "auto" : own.boot),
    timeScale: timeScale ?? own.timeScale,
    containers: [...found.containers, ...args.list("with")],
    ...(bootsNone && { note: `the checks of ${scenario} boot appengines of their own, with more` }),
  });
}

/** @throws PvhError PVH_USAGE where pvh starts pv-appengine itself, without words */
function started(plan: UpPlan): UpPlan {
  if (plan.cmdline === "" || plan.boot === "auto") return plan;
  throw new PvhError("PVH_USAGE", "--cmdline goes with --boot auto alone", {
    hint: "pv-appengine -c gives it to an appengine that is started by hand",
  });
}

/** @throws PvhError PVH_USAGE for a word that is not NAME=VALUE */
function variablesOf(args: Args): Record<string, string> {
  return Object.fromEntries(
    args.list("env").map((pair) => {
      const [, key, value] = /^([A-Za-z_]\w*)=(.*)$/s.exec(pair) ?? [];
      if (key !== undefined && value !== undefined) return [key, value];
      throw new PvhError("PVH_USAGE", `--env ${pair}: must be NAME=VALUE`);
    }),
  );
}
