import { parseGroups } from "../shared/formats/groups.ts";
import { parseState } from "../shared/formats/state.ts";
import { systemClock } from "./lifecycle/clock.ts";
import type { OverallStatus } from "./lifecycle/group-status.ts";
import type { Outcome } from "./lifecycle/revision.ts";
import { none } from "../shared/quirks/quirks.ts";
import type { Quirks } from "../shared/quirks/quirks.ts";
import { toConfig } from "./appengine-config.ts";
import type { PantavisorLog } from "./pantavisor-log.ts";
import { planRevision } from "./revision-plan.ts";
import { RevisionRunner } from "./revision-runner.ts";

export interface RunnerParts {
  readonly storage: string;
  readonly revision?: string;
  /** Keys of the state. */
  readonly entries?: Readonly<Record<string, unknown>>;
  readonly quirks?: Quirks;
  readonly onStatus?: (status: OverallStatus) => void;
  readonly onStep?: () => void;
  readonly onExit?: (outcome: Outcome) => void;
}

/** A runner on real storage whose log is kept, and what it needs beside it. */
export function makeRunner({
  storage,
  revision = "0",
  entries,
  quirks = none,
  onStatus,
  onStep,
  onExit,
}: RunnerParts) {
  const state = parseState({ "#spec": "pantavisor-service-system@1", ...entries }, none);
  const planned = planRevision(revision, state, parseGroups([{ name: "app" }]), 10, none);
  const config = toConfig("", {
    PV_STORAGE_MNTPOINT: storage,
    PV_DISK_VOLDIR: `${storage}/v`,
    PV_SYSTEM_CONFDIR: `${storage}/configs`,
  });
  const clock = systemClock();
  const lines: string[] = [];
  const log: PantavisorLog = {
    write: (_level, _module, message) => void lines.push(message),
    effect: ({ message }) => void lines.push(message),
    moveTo: () => undefined,
    [Symbol.dispose]: () => undefined,
  };
  const runner = new RevisionRunner({
    plan: planned.plan,
    definitions: state.containers,
    config,
    controlSocket: "",
    environment: {},
    wasm: { engine: "v8", machine: "x86_64", quirks: "" },
    drivers: { prepare: () => undefined },
    log,
    clock,
    realClock: clock,
    quirks,
  });
  runner.listen({
    onStatus: onStatus ?? (() => undefined),
    onStep: onStep ?? (() => undefined),
    onPeersChanged: () => undefined,
    onExit: onExit ?? (() => undefined),
  });
  return {
    runner,
    config,
    clock,
    log,
    lines,
    running: () => ({
      ...{ revision, state, parties: state.containers, refusedNetworks: [] },
      ...planned,
    }),
  };
}
