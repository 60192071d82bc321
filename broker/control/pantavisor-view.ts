import type { DaemonBody } from "../formats/control.ts";
import type { GraphEntry } from "../formats/graph.ts";
import type { Group } from "../formats/groups.ts";
import type { ContainerPlan, ContainerState } from "../lifecycle/container-state.ts";
import type { ContainerAction } from "../lifecycle/control-verdict.ts";
import type { OverallStatus } from "../lifecycle/group-status.ts";
import type { Quirks } from "../quirks/quirks.ts";
import type { Stall } from "./stall.ts";

/** What pv-ctrl may know of pantavisor, and ask of it. */
export interface PantavisorView {
  readonly quirks: Quirks;
  /** In state order. */
  containers(): readonly ContainerView[];
  groups(): readonly GroupView[];
  graph(): readonly GraphEntry[];
  daemons(): readonly DaemonView[];
  /** The container ends up so some time later. */
  request(container: string, action: ContainerAction): void;
  deviceMeta(): Readonly<Record<string, unknown>>;
  userMeta(): Readonly<Record<string, unknown>>;
  objects(): readonly { readonly sha256: string; readonly size: number }[];
  steps(): readonly StepView[];
  buildInfo(): string;
  config(): Readonly<Record<string, string>>;
}

export interface ContainerView {
  readonly plan: ContainerPlan;
  readonly state: ContainerState;
  readonly roles: readonly string[];
}

export interface GroupView {
  readonly group: Group;
  readonly status: OverallStatus;
}

export interface DaemonView {
  body(): DaemonBody;
  start(): void;
  stop(): void;
}

export interface StepView {
  readonly name: string;
  /** ISO 8601, seconds. */
  readonly date: string;
  readonly state: unknown;
  readonly progress: Readonly<Record<string, unknown>>;
}

/** What endpoints are given. */
export interface EndpointContext {
  readonly view: PantavisorView;
  readonly stall: Stall;
}
