import type { Failure } from "../../reports/events.ts";
import type { ContainerDefinition } from "../exports/container-definition.ts";
import type { EnteredName } from "./entered-names.ts";
import type { Selectable } from "./selection.ts";

export interface DiscoveredCheck {
  readonly id: string;
  readonly title: string;
  /** The catalogue's suite of the promise. */
  readonly suite: string;
  /** As in DeclaredScenario. */
  readonly entered?: readonly EnteredName[];
  /** Reason why it cannot run. */
  readonly problem?: Failure;
}

export interface DiscoveredScenario extends Selectable {
  readonly summary: string;
  /** Path as people read it, relative to the project. */
  readonly file: string;
  /** Absolute path. */
  readonly path: string;
  readonly requires: readonly string[];
  readonly alone: boolean;
  /** As in ScenarioOptions. */
  readonly shares?: string;
  /** Options of its boot besides the containers, as text. */
  readonly boot: string;
  readonly checks: readonly DiscoveredCheck[];
  readonly containers: readonly (string | ContainerDefinition)[];
}
