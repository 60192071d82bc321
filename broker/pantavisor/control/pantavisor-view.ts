import type { DaemonBody, DriverBody } from "../../shared/formats/control.ts";
import type { GraphEntry } from "../../shared/formats/graph.ts";
import type { Group } from "../../shared/formats/groups.ts";
import type { ContainerPlan, ContainerState } from "../lifecycle/container-state.ts";
import type { ContainerAction } from "../lifecycle/action-refusal.ts";
import type { OverallStatus } from "../lifecycle/group-status.ts";
import type { Outcome } from "../lifecycle/revision.ts";
import type { Quirks } from "../../shared/quirks/quirks.ts";
import type { CallingContainer } from "./caller.ts";
import type { SizedStream } from "./reply.ts";

/** Everything that pv-ctrl may know of pantavisor and ask of it. */
export interface PantavisorView {
  readonly quirks: Quirks;
  /** Containers in state order. */
  containers(): readonly ContainerView[];
  /** The same containers, with their processes. */
  callers(): readonly CallingContainer[];
  /** Told of a command that is refused, and why. */
  onRefused(command: string, reason: string): void;
  groups(): readonly GroupView[];
  graph(): readonly GraphEntry[];
  daemons(): readonly DaemonView[];
  readonly drivers: DriverView;
  /** The container ends up so some time later. */
  request(container: string, action: ContainerAction): void;
  /** The container says that it is READY. */
  signalReady(container: string): void;
  /** @returns false when it is already going down */
  end(outcome: Outcome): boolean;
  /** An update has begun and is neither committed nor rolled back yet. */
  isUpdating(): boolean;
  /** The container is being stopped because the next revision has another, or none. */
  isDeparting(container: string): boolean;
  /** Verify an installed revision, and go over to it; its progress tells how it went. */
  runStep(revision: string, how: { readonly reboot: boolean }): Promise<CommandRefusal | undefined>;
  /** Make an installed revision the factory one. */
  makeFactory(revision: string): CommandRefusal | undefined;
  /** Change a setting until the next reboot. */
  override(key: string, value: string): void;
  readonly deviceMeta: MetaStore;
  readonly userMeta: MetaStore;
  readonly objects: ObjectCatalogue;
  readonly steps: StepStore;
  /** Remove objects that no revision uses; gives their bytes. */
  collectGarbage(): number;
  buildInfo(): string;
  settings(): readonly Setting[];
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

export interface DriverView {
  list(container: string): readonly DriverBody[];
  /** @returns why not, with the driver's name; without a name it is all of the container's */
  set(container: string, status: "LOADED" | "UNLOADED", name?: string): string | undefined;
}

export interface MetaStore {
  /** Values that are JSON objects or arrays are embedded, others are strings. */
  all(): Readonly<Record<string, unknown>>;
  has(key: string): boolean;
  /** Keys that are stored. */
  size(): number;
  set(key: string, value: string): void;
  delete(key: string): void;
}

export interface ObjectCatalogue {
  list(): readonly { readonly sha256: string; readonly size: number }[];
  /** @returns undefined when there is none of that name */
  read(sha256: string): SizedStream | undefined;
  /** @param size bytes, as far as known beforehand */
  put(
    sha256: string,
    size: number,
    content: AsyncIterable<Uint8Array>,
  ): Promise<"stored" | "bad checksum" | "no room">;
}

export interface StepStore {
  list(): readonly StepView[];
  /** State of a revision, or of `current`; undefined when there is none. */
  state(name: string): unknown;
  progress(name: string): Readonly<Record<string, unknown>> | undefined;
  /** @returns false when there is no such revision */
  setCommitMessage(name: string, text: string): boolean;
  /**
   * Put a state into storage as a revision.
   * @returns why not, with the key of the state that is wrong
   */
  install(name: string, body: string): StepRefusal | undefined;
}

export interface StepRefusal {
  readonly status: 400 | 409 | 422 | 507;
  readonly reason: string;
}

export interface CommandRefusal {
  readonly status: 409 | 422 | 507;
  readonly reason: string;
}

export interface StepView {
  readonly name: string;
  /** ISO 8601, seconds. */
  readonly date: string;
  readonly commitmsg: string;
  readonly progress: Readonly<Record<string, unknown>>;
}

export interface Setting {
  /** `updater.goals.timeout`; undefined for those that /config does not list. */
  readonly alias: string | undefined;
  /** `PV_UPDATER_GOALS_TIMEOUT` */
  readonly key: string;
  /** undefined when unset. */
  readonly value: string | undefined;
  readonly typed: boolean | number | string | null;
  /** Layer that the value comes from: `default`, `pv conf file`, `env`, `metadata`, … */
  readonly modified: string;
}
