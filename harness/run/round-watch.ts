import type { Failure, RecordedEvent } from "../../reports/events.ts";
import { journalPath, JournalReader } from "./journal.ts";
import type { Exit, ForkHost, ScenarioFork } from "./scenario-fork.ts";
import type { FrameworkView, ScenarioEnd, ScenarioJudge } from "./scenario-judge.ts";
import { WorkerWatch } from "./worker-watch.ts";
import type { Patience } from "./worker-watch.ts";

/** Milliseconds between two looks at what runs. */
const EVERY = 100;

/** vitest's own results, asked for when the process of a scenario has ended. */
export interface FrameworkResults {
  readonly viewOf: (file: string, scenario: string) => FrameworkView | undefined;
  /** Errors that no check caught, once: they are not given again. */
  readonly takeStrays: (file: string) => readonly Failure[];
}

/** A scenario that runs in a process. */
export interface Member {
  /** Name in its file. */
  readonly name: string;
  readonly judge: ScenarioJudge;
}

interface Running {
  readonly journals: readonly { readonly judge: ScenarioJudge; readonly reader: JournalReader }[];
  readonly watch: WorkerWatch;
  readonly fork: ScenarioFork;
  killed: Failure | undefined;
}

/**
 * Follows the processes of a round's scenarios: reads their journals, ends those that cannot end
 * themselves, and has each scenario judged when its process is gone.
 */
export class RoundWatch implements ForkHost {
  readonly #members: ReadonlyMap<string, readonly Member[]>;
  readonly #folder: string;
  readonly #patience: Patience;
  readonly #framework: FrameworkResults;
  readonly #publish: (events: readonly RecordedEvent[]) => void;
  readonly #running = new Map<string, Running>();
  readonly #ended = new Map<string, ScenarioEnd["kind"]>();
  #lastLook = performance.now();
  #timer: NodeJS.Timeout | undefined;

  /** @param members scenarios of each process, by absolute path of the file that it runs */
  constructor(
    members: ReadonlyMap<string, readonly Member[]>,
    folder: string,
    patience: Patience,
    framework: FrameworkResults,
    publish: (events: readonly RecordedEvent[]) => void,
  ) {
    this.#members = members;
    this.#folder = folder;
    this.#patience = patience;
    this.#framework = framework;
    this.#publish = publish;
  }

  began(fork: ScenarioFork, file: string): void {
    const members = this.#members.get(file);
    if (members === undefined) return;
    const journals = members.map(({ judge }) => {
      const { scenario, attempt } = judge.plan;
      const path = journalPath(this.#folder, scenario, attempt);
      return { judge, reader: new JournalReader(path, scenario) };
    });
    const watch = new WorkerWatch(this.#patience);
    this.#running.set(file, { journals, watch, fork, killed: undefined });
    this.#timer ??= setInterval(() => this.#look(), EVERY);
  }

  alive(file: string): void {
    this.#running.get(file)?.watch.alive();
  }

  exited(file: string, exit: Exit): void {
    const running = this.#running.get(file);
    if (running === undefined) return;
    this.#running.delete(file);
    this.#listen(running);
    const end = endOf(exit, running.killed);
    this.#ended.set(file, end.kind);
    const damages = this.#close(running);
    this.#judge(file, end, end.kind === "ended" ? damages : new Map());
  }

  /** Kind of end of a file's process; undefined while it runs or when it never began. */
  endOf(file: string): ScenarioEnd["kind"] | undefined {
    return this.#ended.get(file);
  }

  /** Wait until no process of a scenario is left; the watch ends those that stay. */
  async allGone(): Promise<void> {
    while (this.#running.size > 0) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** End what still runs: nobody waits for it any more. */
  killAll(): void {
    for (const { fork } of this.#running.values()) fork.kill();
  }

  /** Judge what has no verdict yet, except for scenarios that another process may run. */
  close(): void {
    clearInterval(this.#timer);
    for (const [file, running] of [...this.#running]) {
      this.#listen(running);
      this.#running.delete(file);
      this.#close(running);
      this.#judge(file, { kind: "ended" }, new Map());
    }
    for (const file of this.#members.keys()) this.#judge(file, { kind: "never began" }, new Map());
  }

  #look(): void {
    const now = performance.now();
    const passed = now - this.#lastLook;
    this.#lastLook = now;
    for (const running of this.#running.values()) {
      this.#listen(running);
      if (running.killed !== undefined) continue;
      running.killed = running.watch.passed(passed);
      if (running.killed !== undefined) running.fork.kill();
    }
  }

  #listen({ journals, watch }: Running): void {
    for (const { judge, reader } of journals) {
      for (const testimony of reader.drain()) {
        watch.hear(testimony);
        this.#publish(judge.hear(testimony));
      }
    }
  }

  /** @returns damages of the journals, by scenario */
  #close({ journals }: Running): ReadonlyMap<ScenarioJudge, Failure> {
    const damages = new Map<ScenarioJudge, Failure>();
    for (const { judge, reader } of journals) {
      if (reader.loss !== undefined) damages.set(judge, reader.loss);
      reader[Symbol.dispose]();
    }
    return damages;
  }

  /**
   * Judge the scenarios of a process. The end of the process is that of the last one that began. Of
   * several, those that did not begin have no verdict yet: nothing has been asked of them.
   */
  #judge(file: string, end: ScenarioEnd, damages: ReadonlyMap<ScenarioJudge, Failure>): void {
    const members = this.#members.get(file) ?? [];
    const begun = members.length === 1 ? members : members.filter(({ judge }) => judge.hasBegun);
    const strays = begun.some(({ judge }) => !judge.isOver) ? this.#framework.takeStrays(file) : [];
    for (const [index, { name, judge }] of begun.entries()) {
      if (judge.isOver) continue;
      const isLast = index === begun.length - 1;
      const damage = damages.get(judge);
      const more = [...(isLast ? strays : []), ...(damage === undefined ? [] : [damage])];
      const view = this.#framework.viewOf(file, name);
      const own: ScenarioEnd = isLast || !judge.hasEnded ? end : { kind: "ended" };
      this.#publish(judge.end(own, view, more, Date.now()));
    }
  }
}

/** Signals by which a process ends that has done something wrong itself. */
const OWN: readonly string[] = ["SIGSEGV", "SIGABRT", "SIGBUS", "SIGILL", "SIGFPE", "SIGTRAP"];

function endOf({ code, signal, asked }: Exit, killed: Failure | undefined): ScenarioEnd {
  if (killed !== undefined) return { kind: "overdue", failure: killed };
  const crashed = signal !== null && OWN.includes(signal);
  if (asked && !crashed) return { kind: "ended" };
  const how = signal ?? `exit ${code ?? "?"}`;
  return { kind: "died", how, fromOutside: signal !== null && !crashed };
}
