import { appendFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { Writable } from "node:stream";
import type { TestSequencer, TestSpecification, Vitest } from "vitest/node";
import type { RunEvent } from "./events.ts";
import { cancelRun } from "./cancellation.ts";
import { ROOT } from "./discover.ts";
import type { RunSettings } from "./run-settings.ts";
import { SCENARIO_OPTIONS } from "./vitest-options.ts";

/** What vitest knows of a scenario file that could not report itself. */
export interface RoundResult {
  /** Message by scenario file, relative to the clone's root. */
  readonly fileErrors: ReadonlyMap<string, string>;
  /** Errors that no check caught. */
  readonly strayErrors: readonly string[];
}

/** Begin to load vitest while something else is waited for. */
export function preloadVitest(): void {
  void import("vitest/node").catch(() => undefined);
}

/** vitest, in this process, for the scenario files of one run. */
export class VitestBridge {
  readonly #vitest: Vitest;
  readonly #folder: string;

  constructor(vitest: Vitest, folder: string) {
    this.#vitest = vitest;
    this.#folder = folder;
  }

  /** @param record takes what scenarios print */
  static async open(
    settings: RunSettings,
    jobs: number,
    record: (event: RunEvent) => void,
  ): Promise<VitestBridge> {
    // A third of a second to load: only commands that run scenarios pay for it.
    const { createVitest } = await import("vitest/node");
    const log = logFile(join(settings.folder, "vitest.log"));
    const listeners = SIGNALS.map((signal) => new Set(process.listeners(signal)));
    const vitest = await createVitest(
      {
        ...SCENARIO_OPTIONS,
        root: ROOT,
        config: false,
        watch: false,
        api: false,
        include: Object.values(settings.scenarios).map(({ file }) => file),
        maxWorkers: jobs,
        provide: { pvh: settings },
        sequence: { sequencer: AsGiven },
        reporters: [{ onUserConsoleLog: ({ content }) => record(noteOf(content)) }],
      },
      { logLevel: "silent" },
      { stdout: log, stderr: log },
    );
    // vitest would end the process on a signal; the run has its own way to end.
    SIGNALS.forEach((signal, index) => {
      for (const listener of process.listeners(signal)) {
        if (listeners[index]?.has(listener) === false) process.removeListener(signal, listener);
      }
    });
    return new VitestBridge(vitest, settings.folder);
  }

  /**
   * Run these scenarios once: those that want to be alone one by one, after all others. On
   * cancellation they end early, each with its clean-up.
   */
  async round(
    settings: RunSettings,
    names: readonly string[],
    signal: AbortSignal,
  ): Promise<RoundResult> {
    this.#vitest.getRootProject().provide("pvh", settings);
    const cancel = (): void => {
      cancelRun(this.#folder);
      void this.#vitest.cancelCurrentRun("keyboard-input");
    };
    signal.addEventListener("abort", cancel, { once: true });
    try {
      const results: RoundResult[] = [];
      for (const group of groupsOf(names, settings)) {
        if (signal.aborted) break;
        results.push(await this.#runTogether(group, settings));
      }
      return {
        fileErrors: new Map(results.flatMap(({ fileErrors }) => [...fileErrors])),
        strayErrors: results.flatMap(({ strayErrors }) => strayErrors),
      };
    } finally {
      signal.removeEventListener("abort", cancel);
    }
  }

  async #runTogether(names: readonly string[], settings: RunSettings): Promise<RoundResult> {
    const project = this.#vitest.getRootProject();
    const specifications = names.map((name) =>
      project.createSpecification(resolve(ROOT, settings.scenarios[name]?.file ?? name)),
    );
    const { testModules, unhandledErrors } =
      await this.#vitest.runTestSpecifications(specifications);
    const fileErrors = testModules.flatMap((module): [string, string][] => {
      const [error] = module.errors();
      return error === undefined ? [] : [[module.relativeModuleId, error.message]];
    });
    return {
      fileErrors: new Map(fileErrors),
      strayErrors: unhandledErrors.map((error) =>
        error instanceof Error ? error.message : String(error),
      ),
    };
  }

  close(): Promise<void> {
    return this.#vitest.close();
  }
}

const SIGNALS = ["SIGINT", "SIGTERM"] as const;

/** What may run at the same time, in turn. */
function groupsOf(names: readonly string[], { scenarios }: RunSettings): string[][] {
  const isAlone = (name: string): boolean => scenarios[name]?.alone === true;
  const together = names.filter((name) => !isAlone(name));
  const alone = names.filter(isAlone).map((name) => [name]);
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

function logFile(path: string): Writable {
  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      appendFileSync(path, chunk);
      done();
    },
  });
}
