import type { BootMode } from "../appengine/appengine.ts";
import type { EngineFacts } from "../engine/engine.ts";
import type { BootSource } from "../exports/boot-source.ts";
import type { ImageAbilities } from "../image/image-abilities.ts";

/** `note`: a violation is told in the record. */
export type WatchMode = "fail" | "note" | "off";

export type Keep = "failed" | "always" | "never";

/** File of a scenario of this run, and the parts of it that are to run. */
export interface PlannedScenario {
  readonly suite: string;
  /** Path of its file as people read it. */
  readonly file: string;
  /** Absolute path of its file. */
  readonly path: string;
  /** Ids of the checks that are to run. */
  readonly checks: readonly string[];
  /** Boot source of its appengine; undefined when nothing could be made ready. */
  readonly source?: BootSource;
  /** A thing that this machine lacks: the scenario is skipped. */
  readonly missing?: string;
  /** No other scenario may run beside it. */
  readonly alone: boolean;
}

/** Scenarios of a round that use one appengine. */
export interface PlannedShare {
  /** Their names, in the order in which they run. */
  readonly scenarios: readonly string[];
  /** Boot source of the appengine. */
  readonly source: BootSource;
}

/** Parts of what was made ready for a run, by the name of the scenario. */
interface Preparations {
  readonly sources: ReadonlyMap<string, BootSource>;
  readonly missing: ReadonlyMap<string, string>;
}

export function planScenario(
  {
    name,
    suite,
    file,
    path,
    alone,
  }: Pick<PlannedScenario, "suite" | "file" | "path" | "alone"> & { readonly name: string },
  checks: readonly string[],
  prepared: Preparations | undefined,
): PlannedScenario {
  const source = prepared?.sources.get(name);
  const missing = prepared?.missing.get(name);
  return {
    ...{ suite, file, path, checks, alone },
    ...(source !== undefined && { source }),
    ...(missing !== undefined && { missing }),
  };
}

/** Settings of the run for a worker; plain data, handed over by vitest's `provide`. */
export interface RunSettings {
  readonly run: string;
  /** The run directory. */
  readonly folder: string;
  /** The engine that the run has found; undefined: each scenario looks for it. */
  readonly engine?: EngineFacts;
  /** Further engines, among which the scenarios are divided. */
  readonly otherEngines?: readonly EngineFacts[];
  readonly image: string;
  /** True when the image is this repository's reference appengine. */
  readonly reference: boolean;
  /** Present: the strict reference's broker mediates in place of the image's own. */
  readonly broker?: "reference";
  /** Types of containers and services that the image knows. */
  readonly abilities: ImageAbilities;
  readonly quirks: readonly string[];
  /** Boot mode instead of the scenarios' own; a check that asks for one keeps it. */
  readonly boot?: BootMode;
  /** Scenarios whose evidence is kept: those that failed, all, or none. */
  readonly keep: Keep;
  /** Present: the appengines of failed scenarios stay until `pvh down`. */
  readonly keepAppengine?: true;
  /** Present: a scenario waits for a person after each failed check. */
  readonly pauseOnFailure?: true;
  /** Whether watchers look at the appengines, and whether a violation fails its scenario. */
  readonly watch: WatchMode;
  readonly timeoutScale: number;
  /** Present: scenarios that divide time run on any image, in its own time. */
  readonly ownTime?: true;
  readonly seed: number;
  /** Number of the repetition, from 1. */
  readonly repetition: number;
  /** Number of the attempt, from 1. */
  readonly attempt: number;
  readonly scenarios: Readonly<Record<string, PlannedScenario>>;
  /**
   * Present: the checks are variants (variants.ts), and each runs on an appengine as after a boot.
   * Names the quirks that start with pv-xconnect alone.
   */
  readonly switchable?: readonly string[];
  /** The shares of this round, by name. */
  readonly shares: Readonly<Record<string, PlannedShare>>;
  /**
   * Present: the scenarios' own appengines stay for a later run. Those of former runs, by scenario, are
   * used again.
   */
  readonly held?: Readonly<Record<string, string>>;
  /**
   * Each process says what it sees in a journal of its own, and a parent judges; without one the
   * scenarios write events.jsonl themselves.
   */
  readonly journals: boolean;
}

declare module "vitest" {
  interface ProvidedContext {
    pvh: RunSettings;
  }
}

/** The name under which a repetition of a scenario is recorded: x, x~2, x~3. */
export function recordedName(scenario: string, repetition: number): string {
  return repetition === 1 ? scenario : `${scenario}~${repetition}`;
}
