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
  readonly viewOf: (file: string) => FrameworkView | undefined;
  /** Errors that no check caught, once: they are not given again. */
  readonly takeStrays: (file: string) => readonly Failure[];
}

interface Running {
  readonly judge: ScenarioJudge;
  readonly journal: JournalReader;
  readonly watch: WorkerWatch;
  readonly fork: ScenarioFork;
  killed: Failure | undefined;
}

/**
 * Follows the processes of a round's scenarios: reads their journals, ends those that cannot end
 * themselves, and has each scenario judged when its process is gone.
 */
export class RoundWatch implements ForkHost {
  readonly #judges: ReadonlyMap<string, ScenarioJudge>;
  readonly #folder: string;
  readonly #patience: Patience;
  readonly #framework: FrameworkResults;
  readonly #publish: (events: readonly RecordedEvent[]) => void;
  readonly #running = new Map<string, Running>();
  readonly #ended = new Map<string, ScenarioEnd["kind"]>();
  #lastLook = performance.now();
  #timer: NodeJS.Timeout | undefined;

  /** @param judges by absolute path of the scenario's file */
  constructor(
    judges: ReadonlyMap<string, ScenarioJudge>,
    folder: string,
    patience: Patience,
    framework: FrameworkResults,
    publish: (events: readonly RecordedEvent[]) => void,
  ) {
    this.#judges = judges;
    this.#folder = folder;
    this.#patience = patience;
    this.#framework = framework;
    this.#publish = publish;
  }

  began(fork: ScenarioFork, file: string): void {
    const judge = this.#judges.get(file);
    if (judge === undefined) return;
    const { scenario, attempt } = judge.plan;
    const journal = new JournalReader(journalPath(this.#folder, scenario, attempt), scenario);
    const watch = new WorkerWatch(this.#patience);
    this.#running.set(file, { judge, journal, watch, fork, killed: undefined });
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
    const { loss } = running.journal;
    running.journal[Symbol.dispose]();
    this.#judge(file, end, loss !== undefined && end.kind === "ended" ? [loss] : []);
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

  /** Judge what has no verdict yet. @param failure why nothing of it began */
  close(failure?: Failure): void {
    clearInterval(this.#timer);
    for (const [file, running] of [...this.#running]) {
      this.#listen(running);
      this.#running.delete(file);
      running.journal[Symbol.dispose]();
      this.#judge(file, { kind: "ended" }, []);
    }
    for (const file of this.#judges.keys()) {
      this.#judge(file, { kind: "never began", ...(failure !== undefined && { failure }) }, []);
    }
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

  #listen({ journal, judge, watch }: Running): void {
    for (const testimony of journal.drain()) {
      watch.hear(testimony);
      this.#publish(judge.hear(testimony));
    }
  }

  #judge(file: string, end: ScenarioEnd, more: readonly Failure[]): void {
    const judge = this.#judges.get(file);
    if (judge === undefined || judge.isOver) return;
    const strays = [...this.#framework.takeStrays(file), ...more];
    this.#publish(judge.end(end, this.#framework.viewOf(file), strays, Date.now()));
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
