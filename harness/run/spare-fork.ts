import { fork } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { WORKER_VARIABLE } from "../processes.ts";
import { AHEAD_VARIABLE } from "./load-ahead.ts";
import type { Ahead } from "./load-ahead.ts";
import { endProcessesOf, nameWorker } from "./worker-processes.ts";

/** How the processes of scenarios are started. */
export interface ForkPlan {
  readonly entrypoint: string;
  readonly execArgv: readonly string[];
  readonly env: Partial<NodeJS.ProcessEnv>;
}

/** A process of no scenario yet. */
export interface Spare {
  /** Its value of WORKER_VARIABLE. */
  readonly worker: string;
  readonly child: ChildProcess;
}

/**
 * The process of the next scenario, started before anybody asks for it: it has loaded pvh's modules, and
 * no file of a scenario. A process serves one scenario, as any other does.
 */
export class SpareFork {
  #plan: ForkPlan | undefined;
  #spare: Spare | undefined;

  /** Keep how a process was started; the next one starts in the same way. */
  remember(plan: ForkPlan): void {
    this.#plan = plan;
  }

  /** Start one, unless none was started before. One that waits already is ended. */
  prepare(ahead: Ahead): void {
    this.drop();
    if (this.#plan === undefined) return;
    const { entrypoint, execArgv, env } = this.#plan;
    const worker = nameWorker();
    const own = { [WORKER_VARIABLE]: worker, [AHEAD_VARIABLE]: JSON.stringify(ahead) };
    // As vitest starts it.
    const child = fork(entrypoint, [], {
      env: { ...env, ...own },
      execArgv: [...execArgv],
      stdio: "pipe",
      serialization: "advanced",
    });
    child.on("error", ignore).on("message", ignore);
    this.#spare = { worker, child };
  }

  /** @returns undefined when there is none that lives */
  take(): Spare | undefined {
    const spare = this.#spare;
    this.#spare = undefined;
    if (spare === undefined) return undefined;
    const { child } = spare;
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) {
      return undefined;
    }
    child.off("error", ignore).off("message", ignore);
    return spare;
  }

  /** End the one that waits. */
  drop(): void {
    const spare = this.take();
    if (spare !== undefined) endProcessesOf(spare.worker);
  }
}

/** It says that it lives, which nobody asks yet. */
function ignore(): void {}
