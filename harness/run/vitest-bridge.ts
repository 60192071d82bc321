import { appendFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Writable } from "node:stream";
import { pathToFileURL } from "node:url";
import type { TestModule, TestSequencer, TestSpecification, Vitest } from "vitest/node";
import type { Failure, RecordedEvent, RunEvent } from "../../reports/events.ts";
import { OWNER_VARIABLE, ownerName } from "../engine/labels.ts";
import { cancelRun } from "./cancellation.ts";
import { withoutEndingListeners } from "./foreign-listeners.ts";
import { EngineSlots } from "./engine-slots.ts";
import { UnhandledErrors, viewOf } from "./framework-results.ts";
import { projectFacts } from "../project-facts.ts";
import { ROOT } from "../root.ts";
import { RoundWatch } from "./round-watch.ts";
import type { RunSettings } from "./run-settings.ts";
import type { ForkHost } from "./scenario-fork.ts";
import type { ScenarioJudge } from "./scenario-judge.ts";
import { SCENARIO_EXEC_ARGV, SCENARIO_OPTIONS } from "./vitest-options.ts";
import type { SpareFork } from "./spare-fork.ts";
import type { Unit } from "./units.ts";
import type { Patience } from "./worker-watch.ts";

/** Scenarios that run once, at the same time as far as they may. */
export interface Round {
  /** Scenarios of each process, in the order in which the processes begin. */
  readonly units: readonly Unit[];
  /** Judges by the scenario's own name. */
  readonly judges: ReadonlyMap<string, ScenarioJudge>;
  readonly settings: RunSettings;
  readonly patience: Patience;
  readonly publish: (events: readonly RecordedEvent[]) => void;
  /** Ends them early, each with its clean-up. */
  readonly stopped: AbortSignal;
  /** Fires when nobody waits for their clean-up any more. */
  readonly abandoned: AbortSignal;
}

/** The run that vitest works for. */
export interface BridgedRun {
  /** Run directory. */
  readonly folder: string;
  /** Takes what scenarios print. */
  readonly record: (event: RunEvent) => void;
}

/** Folder of the files that import the scenarios of a share, in a run directory while it runs. */
export const SHARES = ".shares";

/** Folder of vitest's own files in a run directory, while the run goes on. */
export const VITEST = ".vitest";

/** Bytes of vitest.log: a scenario that prints without end must not fill the disk. */
const LOG_LIMIT = 16 * 1024 * 1024;

/** vitest, in this process, for the scenario files of one run; each file in a process of its own. */
export class VitestBridge {
  readonly #vitest: Vitest;
  readonly #state: State;

  constructor(vitest: Vitest, state: State) {
    this.#vitest = vitest;
    this.#state = state;
  }

  /**
   * @param files of the scenarios, absolute
   * @param folder for vitest's own files
   * @param run the run that it is for
   * @param spares processes that are started before
   */
  static async open(
    files: readonly string[],
    folder: string,
    jobs: number,
    run: BridgedRun,
    spares?: SpareFork,
  ): Promise<VitestBridge> {
    // A fifth of a second to load: only commands that run scenarios pay for it.
    const { createVitest } = await import("vitest/node");
    const { POOL, ScenarioFork } = await import("./scenario-fork.ts");
    const unhandled = new UnhandledErrors();
    const onRejection = (reason: unknown): void => unhandled.add(reason);
    const slots = new EngineSlots([]);
    const state: State = {
      run,
      host: undefined,
      slots,
      modules: new Map(),
      unhandled,
      onRejection,
    };
    const log = logFile(() => join(state.run.folder, "vitest.log"));
    const host: ForkHost = {
      began: (fork, file) => state.host?.began(fork, file),
      alive: (file) => state.host?.alive(file),
      exited: (file, exit) => state.host?.exited(file, exit),
    };
    // An error in vitest's own code must not end the run without its reports either.
    process.on("unhandledRejection", state.onRejection);
    const know = (module: TestModule): void => void state.modules.set(module.moduleId, module);
    const vitest = await withoutEndingListeners(() =>
      createVitest(
        {
          ...SCENARIO_OPTIONS,
          pool: {
            name: POOL,
            createPoolWorker: (options) => new ScenarioFork(options, host, state.slots, spares),
          },
          execArgv: SCENARIO_EXEC_ARGV,
          root: projectFacts()?.root ?? ROOT,
          config: false,
          watch: false,
          api: false,
          // By default it would write to node_modules.
          cache: false,
          fsModuleCachePath: folder,
          include: [...files],
          maxWorkers: jobs,
          env: { [OWNER_VARIABLE]: ownerName() },
          sequence: { sequencer: AsGiven },
          onUnhandledError: (error) => state.unhandled.add(error),
          reporters: [
            {
              onUserConsoleLog: ({ content }) => state.run.record(noteOf(content)),
              // Each stage has an object of its own.
              onTestModuleQueued: know,
              onTestModuleCollected: know,
              onTestModuleEnd: know,
            },
          ],
        },
        { logLevel: "silent", cacheDir: folder },
        { stdout: log, stderr: log },
      ),
    );
    return new VitestBridge(vitest, state);
  }

  /** Serve this run from now on. */
  serve(run: BridgedRun): void {
    this.#state.run = run;
  }

  /**
   * Run these scenarios once: those that want to be alone one by one, after all others.
   * @returns errors that belong to no scenario
   */
  async round(round: Round): Promise<readonly Failure[]> {
    const { settings, stopped, abandoned } = round;
    this.#vitest.getRootProject().provide("pvh", settings);
    const cancel = (): void => {
      cancelRun(settings.folder);
      void this.#vitest.cancelCurrentRun("keyboard-input").catch(() => undefined);
    };
    stopped.addEventListener("abort", cancel, { once: true });
    const { engine, otherEngines = [] } = settings;
    this.#state.slots = new EngineSlots(engine === undefined ? [] : [engine, ...otherEngines]);
    const watch = this.#watch(round);
    const abandon = (): void => watch.killAll();
    abandoned.addEventListener("abort", abandon, { once: true });
    try {
      for (const unit of round.units) writeShare(unit, settings);
      for (const group of groupsOf(round.units, settings)) {
        if (stopped.aborted) break;
        await this.#runTogether(group.map((unit) => fileOf(unit, settings)));
        // vitest may be done with a process that is not.
        await watch.allGone();
      }
    } catch (error) {
      this.#state.unhandled.add(error);
    } finally {
      watch.close();
      this.#state.host = undefined;
      stopped.removeEventListener("abort", cancel);
      abandoned.removeEventListener("abort", abandon);
    }
    for (const unit of round.units) this.#state.unhandled.take(fileOf(unit, settings));
    return this.#state.unhandled.takeRest();
  }

  #watch({ units, judges, settings, patience, publish }: Round): RoundWatch {
    const { modules, unhandled } = this.#state;
    const byFile = new Map(
      units.map((unit) => [
        fileOf(unit, settings),
        unit.scenarios.flatMap((name) => {
          const judge = judges.get(name);
          return judge === undefined ? [] : [{ name, judge }];
        }),
      ]),
    );
    const framework = {
      viewOf: (file: string, name: string) => {
        const module = modules.get(file);
        const others = byFile.get(file)?.flatMap((one) => (one.name === name ? [] : [one.name]));
        return module === undefined ? undefined : viewOf(module, name, others);
      },
      takeStrays: (file: string) => unhandled.take(file),
    };
    modules.clear();
    const watch = new RoundWatch(byFile, settings.folder, patience, framework, publish);
    this.#state.host = watch;
    return watch;
  }

  async #runTogether(files: readonly string[]): Promise<void> {
    const project = this.#vitest.getRootProject();
    const specifications = files.map((file) => project.createSpecification(file));
    await this.#vitest.runTestSpecifications(specifications);
  }

  async close(): Promise<void> {
    await this.#vitest.close();
    process.off("unhandledRejection", this.#state.onRejection);
  }
}

interface State {
  run: BridgedRun;
  slots: EngineSlots;
  host: ForkHost | undefined;
  /** vitest's module of each file, by the file's absolute path. */
  readonly modules: Map<string, TestModule>;
  readonly unhandled: UnhandledErrors;
  readonly onRejection: (reason: unknown) => void;
}

function pathOf(name: string, { scenarios }: RunSettings): string {
  return scenarios[name]?.path ?? name;
}

/** File that the process of these scenarios runs: their own, or one that imports those of several. */
function fileOf({ share, scenarios }: Unit, settings: RunSettings): string {
  const [only = ""] = scenarios;
  return share === undefined
    ? pathOf(only, settings)
    : join(settings.folder, SHARES, `${share}.mjs`);
}

function writeShare(unit: Unit, settings: RunSettings): void {
  if (unit.share === undefined) return;
  const urls = unit.scenarios.map((name) => pathToFileURL(pathOf(name, settings)).href);
  mkdirSync(join(settings.folder, SHARES), { recursive: true });
  writeFileSync(
    fileOf(unit, settings),
    urls.map((url) => `import ${JSON.stringify(url)};\n`).join(""),
  );
}

/** Groups of units: those of one may run at the same time, the groups run in turn. */
function groupsOf(units: readonly Unit[], { scenarios }: RunSettings): Unit[][] {
  const isAlone = (unit: Unit): boolean =>
    unit.scenarios.some((name) => scenarios[name]?.alone === true);
  const together = units.filter((unit) => !isAlone(unit));
  const alone = units.filter(isAlone).map((unit) => [unit]);
  return together.length === 0 ? alone : [together, ...alone];
}

/** Scenarios run in the order in which they were asked for. */
class AsGiven implements TestSequencer {
  sort(files: TestSpecification[]): TestSpecification[] {
    return files;
  }

  shard(files: TestSpecification[]): TestSpecification[] {
    return files;
  }
}

function noteOf(content: string): RunEvent {
  return { type: "note", text: content.trimEnd() };
}

/** @param pathOf the file of the run that is on */
function logFile(pathOf: () => string): Writable {
  let room = LOG_LIMIT;
  let last = pathOf();
  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      const path = pathOf();
      if (path !== last) room = LOG_LIMIT;
      last = path;
      const kept = chunk.subarray(0, room);
      room -= kept.length;
      try {
        if (kept.length > 0) appendFileSync(path, kept);
      } catch {
        // A disk that is full must not end the run: its verdicts do not hang on this log.
        room = 0;
      }
      done();
    },
  });
}
