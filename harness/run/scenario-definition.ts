import type { Appengine, BootMode } from "../appengine/appengine.ts";
import type { InsideContainer } from "../appengine/inside.ts";
import type { StartedAppengineContainer } from "../appengine/started-appengine-container.ts";
import type { ControlClient } from "../control/control-client.ts";
import type { ContainerDefinition } from "../exports/container-definition.ts";
import type { QuirkName } from "../../broker/shared/quirks/names.ts";
import type { BootStage } from "../../reports/events.ts";
import type { Expected } from "../watchers/watchers.ts";
import type { Capability } from "./capabilities.ts";

/** Options of an appengine's boot. */
export interface BootPlan {
  /** Example containers by name, or definitions of containers of the scenario's own. */
  readonly containers?: readonly (string | ContainerDefinition)[];
  /** Default `auto`: the image's own entry point. */
  readonly boot?: BootMode;
  /** Divides every wait of the reference appengine and the examples. */
  readonly timeScale?: number;
  readonly env?: Readonly<Record<string, string>>;
  /** Last stage to wait for; default `links`. */
  readonly until?: BootStage;
}

export interface ScenarioOptions extends Omit<BootPlan, "boot"> {
  /** One line for `pvh ls`. */
  readonly summary: string;
  /** `none`: the checks boot appengines themselves, with `bootAppengine`. */
  readonly boot?: BootMode | "none";
  readonly tags?: readonly string[];
  /** Capabilities without which the scenario is skipped, with the reason. */
  readonly requires?: readonly Capability[];
  /** True when it judges how long things take, so that no other scenario may run beside it. */
  readonly alone?: boolean;
  /** Violations of watchers that the checks cause on purpose. */
  readonly expects?: Expected;
  /**
   * Name of a share: the scenarios of one run that declare it boot one appengine, with the containers of
   * all, and use it one after the other. Each finds it as after a boot: what a scenario leaves in the
   * appengine costs the next one a boot of its own. The options of a boot have to be the same.
   */
  readonly shares?: string;
}

export interface BootOverrides extends BootPlan {
  /** Paths of pvrexports to deploy besides `containers`. */
  readonly exports?: readonly string[];
  /** Further deviations of this appengine; the check is skipped on an image that is not the reference. */
  readonly quirks?: readonly QuirkName[];
}

/** Argument of a check's function. */
export interface CheckContext {
  /** The scenario's appengine. */
  readonly appengine: Appengine;
  /** Client of the appengine's pv-ctrl. */
  readonly control: ControlClient;
  /** Access to one of its LXC containers. */
  readonly inside: (container: string) => InsideContainer;
  /** Fires at the check's deadline and when the run is cancelled. */
  readonly signal: AbortSignal;
  /** Seed of all random choices. */
  readonly seed: number;
  /** Quirks of the appengines that bootAppengine boots, for what boots in another way. */
  readonly quirks: readonly string[];
  /**
   * Boot one more appengine; it is removed when the check ends, after its evidence was kept if
   * the check failed. Options of the scenario hold where the overrides say nothing.
   */
  readonly bootAppengine: (overrides?: BootOverrides) => Promise<StartedAppengineContainer>;
  /** End this check as skipped. */
  readonly skip: (reason: string) => never;
  /** A line for the record. */
  readonly note: (text: string) => void;
}

export type CheckBody = (context: CheckContext) => void | Promise<void>;

export interface CheckOptions {
  /** Deadline in milliseconds, before `--timeout-scale`; default 30,000. */
  readonly timeout?: number;
}

export interface CheckDefinition {
  /** A row of the catalogue. */
  readonly id: string;
  readonly title: string;
  readonly body: CheckBody;
  readonly options: CheckOptions;
}

export interface ScenarioDefinition {
  readonly name: string;
  readonly options: ScenarioOptions;
  readonly checks: readonly CheckDefinition[];
}

export interface ScenarioTools {
  readonly check: (id: string, title: string, body: CheckBody, options?: CheckOptions) => void;
}
