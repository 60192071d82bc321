import { readdirSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { Appengine } from "../appengine/appengine.ts";
import { touchedBy } from "../catalogue/touched.ts";
import { clock } from "../clock/clock.ts";
import { reap } from "../engine/reaper.ts";
import { closingLine } from "../../reports/terminal.ts";
import { endingSignal, EXIT, SIGNAL_EXIT } from "../../reports/exit-codes.ts";
import type { ExitCode } from "../../reports/exit-codes.ts";
import { lastAttempt } from "../../reports/run-state.ts";
import type { RunState } from "../../reports/run-state.ts";
import { programBundles } from "../image/program-layer.ts";
import { projectFacts } from "../project-facts.ts";
import { MODULE, ROOT, SOURCE_FOLDERS } from "../root.ts";
import { factsOf } from "../engine/find-engine.ts";
import { discoverNamed } from "../run/discover.ts";
import type { DiscoveredScenario } from "../run/discovered-scenario.ts";
import { KeptVitest } from "../run/kept-vitest.ts";
import { dropLoader, prepareLoader } from "../run/loader-process.ts";
import { prepareRun } from "../run/prepare-run.ts";
import type { Prepared } from "../run/prepare-run.ts";
import { makeRunDirectory } from "../run/run-directory.ts";
import { runScenarios } from "../run/run.ts";
import { wholly } from "../run/selection.ts";
import type { Call } from "./command.ts";
import { tidyRuns } from "./tidy-runs.ts";
import { sourceTexts } from "./source-texts.ts";
import { liveReport } from "./progress.ts";
import { changedPrograms, programsOfClone, replacePrograms } from "./replace-programs.ts";
import type { Programs } from "./replace-programs.ts";
import { removeOwn } from "./remove-own.ts";
import { describeError } from "./report-error.ts";
import { readRunFlags } from "./run-flags.ts";
import type { RunFlags } from "./run-flags.ts";
import { SourceWatch } from "./source-watch.ts";

/** Milliseconds for the removal of the appengines. */
const REMOVAL = 30_000;

/**
 * `pvh watch <name…>`: run these scenarios, and again whenever a file changes that their verdict
 * depends on, on the appengines that the first run has booted. A changed program of the reference is
 * put into them; what cannot be put in takes a new boot.
 *
 * @throws PvhError PVH_USAGE with near names for a scenario that does not exist
 */
export async function watchCommand(call: Call): Promise<ExitCode> {
  const { args, out, signal } = call;
  const flags = readRunFlags(args, "given");
  clock.scale = flags.options.timeoutScale;
  const names = [...new Set(args.words)];
  // A name that is wrong now ends the command; a file may go for a moment later.
  await discoverNamed(names);
  const root = projectFacts()?.root;
  const files =
    root === undefined
      ? new SourceWatch(ROOT, SOURCE_FOLDERS)
      : new SourceWatch(root, foldersOf(root));
  const watched = new Watched(names, flags, call);
  try {
    let exitCode: ExitCode = EXIT.pass;
    let changed: readonly string[] | undefined;
    for (;;) {
      exitCode = await watched.run(changed).catch((error: unknown) => {
        // A file that is half written must not end the watch.
        const { text, exitCode: code } = describeError(error, signal.reason);
        out.say(text);
        return code;
      });
      if (!signal.aborted) out.say("watching for changes; Ctrl+C ends");
      changed = await files.next(signal);
      const ending = endingSignal(signal.reason);
      if (signal.aborted) return ending === undefined ? exitCode : SIGNAL_EXIT[ending];
    }
  } finally {
    files.close();
    await watched[Symbol.asyncDispose]();
    await removeOwn(AbortSignal.timeout(REMOVAL));
  }
}

/** Folders of a project that its scenarios may depend on. */
function foldersOf(root: string): string[] {
  return readdirSync(root, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !/^\.|^node_modules$/.test(entry.name))
    .map(({ name }) => name);
}

function isOfBroker(path: string): boolean {
  return path.startsWith("broker/");
}

/** No process has loaded the file before it was told its scenario. */
function isLoadedLate(path: string): boolean {
  if (projectFacts() !== undefined) return true;
  return /^(scenarios|examples|containers)\/|^broker\/(?!shared\/)/.test(path);
}

/** The state of a watch between two runs. */
class Watched implements AsyncDisposable {
  readonly #names: readonly string[];
  readonly #flags: RunFlags;
  readonly #call: Call;
  /** Appengines that can be used again, by scenario. */
  readonly #held = new Map<string, string>();
  #prepared: Prepared | undefined;
  #programs: Programs | undefined;
  /** The containers that the scenarios boot, as text. */
  #containers = "";
  #failed = new Set<string>();
  readonly #vitest = new KeptVitest();
  readonly #bundles = programBundles();
  /** Absolute paths of files that have changed since the programs were bundled. */
  readonly #unbundled = new Set<string>();

  constructor(names: readonly string[], flags: RunFlags, call: Call) {
    this.#names = names;
    this.#flags = flags;
    this.#call = call;
  }

  /**
   * Run the scenarios that the changes touch, and those that failed the last time.
   * @param changed paths relative to ROOT; undefined for the first run, of all
   */
  async run(changed: readonly string[] | undefined): Promise<ExitCode> {
    const { out } = this.#call;
    if (!(changed ?? []).every(isLoadedLate)) this.#drop();
    for (const path of changed ?? []) this.#unbundled.add(resolve(ROOT, path));
    const bundling = changed?.some(isOfBroker) === true ? this.#bundle() : undefined;
    // It is awaited when the scenarios are known.
    bundling?.catch(() => undefined);
    const all = await discoverNamed(this.#names);
    const scenarios = changed === undefined ? all : this.#touched(all, changed);
    if (changed !== undefined) {
      out.say(`\nchanged: ${changed.slice(0, 5).join(", ")}${changed.length > 5 ? ", …" : ""}`);
    }
    if (scenarios.length === 0) {
      out.say("none of the scenarios depends on it");
      return EXIT.pass;
    }
    await this.#refresh(all, changed ?? [], bundling);
    return this.#runNow(scenarios, await this.#prepare(all));
  }

  async #remove(): Promise<void> {
    const engine = this.#prepared?.engine;
    if (engine === undefined) return;
    for (const name of this.#held.values()) {
      await reap(engine, { kind: "container", name }).catch(() => undefined);
    }
    this.#held.clear();
  }

  #touched(all: readonly DiscoveredScenario[], changed: readonly string[]): DiscoveredScenario[] {
    // Scenarios of a project may import anything of it.
    const isOfAll =
      projectFacts() !== undefined || changed.some((path) => !/^(scenarios|examples)\//.test(path));
    if (isOfAll) return [...all];
    const changes = changed.map((path) => ({ path, added: [] }));
    // Nothing imports a scenario's file: no other has to be read.
    const isAlone = changed.every((path) => path.endsWith(`.scenario${MODULE}`));
    const texts = isAlone ? new Map<string, string>() : sourceTexts(ROOT);
    const { scenarios } = touchedBy(changes, texts, []);
    return all.filter(({ file, name }) => scenarios.has(file) || this.#failed.has(name));
  }

  /** The programs as the clone has them now. */
  async #bundle(): Promise<Programs> {
    const changed = [...this.#unbundled];
    const programs = await programsOfClone(this.#bundles, changed);
    for (const path of changed) this.#unbundled.delete(path);
    return programs;
  }

  /** Bring the appengines up to date, or let go of those that cannot be. */
  async #refresh(
    all: readonly DiscoveredScenario[],
    changed: readonly string[],
    bundling: Promise<Programs> | undefined,
  ): Promise<void> {
    const containers = JSON.stringify(all.map((one) => one.containers));
    const isOther = containers !== this.#containers;
    this.#containers = containers;
    const isDeployed = (path: string): boolean =>
      projectFacts() === undefined ? path.startsWith("containers/") : !/\.[cm]?[jt]s$/.test(path);
    if (isOther || changed.some(isDeployed)) {
      await this.#letGo();
      return;
    }
    if (bundling === undefined) return;
    const programs = await bundling;
    const before = this.#programs;
    this.#programs = programs;
    const paths = before === undefined ? [...programs.keys()] : changedPrograms(before, programs);
    if (paths.length === 0) return;
    // A check that boots an appengine of its own boots it from the image.
    const bootsMore = all.some(({ path }) => readFileSync(path, "utf8").includes("bootAppengine"));
    const isReplaced = !bootsMore && (await this.#replace(programs, paths).catch(() => false));
    if (!isReplaced) await this.#letGo();
  }

  async #replace(programs: Programs, paths: readonly string[]): Promise<boolean> {
    const engine = this.#prepared?.engine;
    if (engine === undefined) return false;
    for (const name of this.#held.values()) {
      const appengine = new Appengine(engine.docker.getContainer(name), name);
      try {
        if (!(await replacePrograms(engine, appengine, programs, paths, this.#call.signal))) {
          return false;
        }
      } finally {
        await appengine.close();
      }
    }
    return true;
  }

  async #letGo(): Promise<void> {
    await this.#remove();
    this.#prepared = undefined;
  }

  async #prepare(all: readonly DiscoveredScenario[]): Promise<Prepared> {
    const { out, signal } = this.#call;
    const progress = (line: string): void => out.say(line);
    if (this.#prepared === undefined) {
      [this.#programs, this.#prepared] = await Promise.all([
        this.#bundle(),
        prepareRun(all, {}, { signal, progress }),
      ]);
    }
    return this.#prepared;
  }

  async #runNow(scenarios: readonly DiscoveredScenario[], prepared: Prepared): Promise<ExitCode> {
    const { out, signal } = this.#call;
    const directory = makeRunDirectory();
    const live = liveReport(this.#flags.progress, process.stderr);
    try {
      const { exitCode, state } = await runScenarios(
        wholly(scenarios),
        () => Promise.resolve(prepared),
        directory,
        {
          ...this.#flags.options,
          command: ["watch", ...this.#names, ...this.#flags.given],
          held: Object.fromEntries(this.#held),
          kept: this.#vitest,
        },
        { signal, onEvent: (event) => live.event(event) },
      );
      live.stop();
      for (const line of live.closing(directory.shown)) out.say(line);
      out.data(closingLine(state));
      this.#remember(state);
      if (exitCode !== EXIT.pass && exitCode !== EXIT.failed) this.#vitest.forget();
      this.#getReady(scenarios, prepared);
      await tidyRuns(this.#call);
      return exitCode;
    } finally {
      live.stop();
    }
  }

  /** Start the processes of the next run. */
  #getReady(scenarios: readonly DiscoveredScenario[], { engine }: Prepared): void {
    if (this.#call.signal.aborted) return;
    prepareLoader();
    const [only, ...others] = scenarios;
    const name = only === undefined || others.length > 0 ? undefined : this.#held.get(only.name);
    this.#vitest.prepare(
      name === undefined ? {} : { appengine: { engine: factsOf(engine), name } },
    );
  }

  #drop(): void {
    dropLoader();
    this.#vitest.drop();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#drop();
    this.#vitest[Symbol.dispose]();
    await this.#bundles[Symbol.asyncDispose]();
  }

  #remember(state: RunState): void {
    for (const scenario of state.scenarios.values()) {
      const { name } = scenario;
      const last = lastAttempt(scenario);
      const own = last.stages.find(({ inCheck, ok }) => !inCheck && ok)?.appengine;
      if (last.failure === undefined && own !== undefined) this.#held.set(name, own);
      else this.#held.delete(name);
      if (last.verdict === "failed") this.#failed.add(name);
      else this.#failed.delete(name);
    }
  }
}
