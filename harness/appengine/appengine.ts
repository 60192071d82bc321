import type { Container } from "dockerode";
import type { GraphEntry } from "../../broker/shared/formats/graph.ts";
import { ControlClient } from "../control/control-client.ts";
import { rawExchange } from "../control/raw-exchange.ts";
import type { RawExchange } from "../control/raw-exchange.ts";
import { containerOutput, lastOutput } from "../engine/container-output.ts";
import { engineError } from "../engine/engine-error.ts";
import { PvhError } from "../errors.ts";
import { openShell, ShellChannel } from "../engine/shell-channel.ts";
import { openStream } from "../engine/streams.ts";
import type { ExecStream, StreamOptions } from "../engine/streams.ts";
import { runOnTerminal } from "../engine/terminal-exec.ts";
import type { LocalTerminal } from "../engine/terminal-exec.ts";
import { collectAppengine } from "./collect-appengine.ts";
import type { Evidence } from "./evidence.ts";
import { bootFailure } from "./boot-failure.ts";
import { EXIT_FILE, START_MANUALLY } from "./boot-preparation.ts";
import { deployment, reasonLines, stagesOfBoot } from "./boot-probe.ts";
import { runStages } from "./boot-stages.ts";
import type { OnStage } from "./boot-stages.ts";
import { checked } from "./command-result.ts";
import type { CommandOptions, CommandResult } from "./command-result.ts";
import { InsideContainer } from "./inside.ts";
import type { AppengineShell } from "./appengine-shell.ts";
import { CONTROL_SOCKET } from "./layout.ts";
import { PantavisorLog } from "./pantavisor-log.ts";
import { observed } from "../observed.ts";
import { explainNeverReady, lateParts } from "./why-never-ready.ts";
import { toolsEnvironment } from "./tools.ts";
import type { BootStage } from "../../reports/events.ts";

export type BootMode = "auto" | "manual";

export interface BootOptions {
  readonly signal?: AbortSignal;
  /** Told about each stage of the boot as it ends. */
  readonly onStage?: OnStage;
  /** Told every 10 s of a stage that lasts, with the parts that are not at their goals. */
  readonly onWait?: ((stage: BootStage, ms: number, late: readonly string[]) => void) | undefined;
  /** Last stage to wait for; default `links`. */
  readonly until?: BootStage;
  /** Multiplies the deadlines of this boot. */
  readonly timeoutScale?: number;
  /** Reason why the container is gone, unless pvh or the appengine itself ended it. */
  readonly whyLost?: () => Promise<PvhError | undefined>;
}

/** A command in an appengine that has ended. */
export interface ObservedCommand {
  readonly text: string;
  readonly ms: number;
  /** Absent: it did not end. */
  readonly status?: number;
}

/** A running appengine container: its shell, its pv-ctrl, its log and its LXC containers. */
export class Appengine implements AppengineShell {
  readonly name: string;
  readonly control: ControlClient;
  readonly log: PantavisorLog;
  /** Told of each command of its shell when it has ended. */
  onCommand: ((command: ObservedCommand) => void) | undefined;
  /** Told of the name of each container that is entered. */
  onEnter: ((container: string) => void) | undefined;
  readonly #container: Container;
  readonly #shell: ShellChannel;
  #environment: Promise<readonly string[]> | undefined;
  #entered = new Set<string>();

  constructor(container: Container, name: string) {
    this.name = name;
    this.#container = container;
    this.#shell = new ShellChannel(async (signal) =>
      openShell(container, signal, await this.#tools()),
    );
    this.control = new ControlClient(() => this.#connectControl());
    this.log = new PantavisorLog(this);
  }

  /**
   * Bring the appengine from a running container to a mesh in working order.
   * @throws PvhError PVH_NEVER_READY with the stage and the reason
   */
  async boot(mode: BootMode, options: BootOptions): Promise<void> {
    const signal = options.signal ?? new AbortController().signal;
    if (mode === "manual") await this.sh(START_MANUALLY, { signal });
    const stages = stagesOfBoot(this, this.control, options.timeoutScale ?? 1, signal);
    const last = stages.findIndex(({ name }) => name === (options.until ?? "links"));
    await runStages(stages.slice(0, last + 1), {
      signal,
      onStage: options.onStage ?? (() => undefined),
      onWait: async (stage, ms) =>
        options.onWait?.(stage, ms, await lateParts(this.control, signal)),
      whyNot: () => this.#whyNot(signal, options.whyLost),
    }).catch(async (error: unknown) => {
      if (!(error instanceof PvhError) || error.code !== "PVH_NEVER_READY") throw error;
      throw await explainNeverReady(error, this, this.control, () => this.output());
    });
  }

  /**
   * Run a POSIX sh script in the appengine, over a channel that stays open. Its exit status is
   * for the caller to judge.
   */
  async sh(script: string, options: CommandOptions = {}): Promise<CommandResult> {
    const { told: text = script, untold = false, ...how } = options;
    const begun = performance.now();
    let status: number | undefined;
    try {
      const { exitCode, stdout, stderr } = await this.#shell.run(script, how);
      status = exitCode;
      const said = { stdout: stdout.toString("utf8"), stderr: stderr.toString("utf8") };
      if (!untold) observed(text, said.stdout + said.stderr);
      return { exitCode, ...said };
    } finally {
      const ms = performance.now() - begun;
      const ended = status === undefined ? {} : { status };
      if (!untold) this.onCommand?.({ text, ms, ...ended });
    }
  }

  /**
   * Output of a shell script.
   * @throws PvhError PVH_COMMAND with its exit status and stderr unless it succeeds
   */
  async text(script: string, options?: CommandOptions): Promise<string> {
    return checked(await this.sh(script, options), script);
  }

  /** Start a command in the appengine whose stdin and stdout are the stream. */
  async stream(argv: readonly string[], options?: StreamOptions): Promise<ExecStream> {
    return openStream(this.#container, argv, { ...options, environment: await this.#tools() });
  }

  /** Run a command in the appengine on this terminal. @returns its exit status */
  async onTerminal(argv: readonly string[], terminal: LocalTerminal): Promise<number> {
    return runOnTerminal(this.#container, argv, await this.#tools(), terminal);
  }

  /** Polls while pantavisor restarts: an exec that finds no socket costs twenty times a look of the shell. */
  async #connectControl(): Promise<ExecStream> {
    if (this.#shell.isIdle && !(await this.#hasControl())) {
      throw new Error(`there is no socket ${CONTROL_SOCKET}`);
    }
    return this.stream(["nc", "-U", CONTROL_SOCKET]);
  }

  /** @returns true also where the shell cannot tell */
  #hasControl(): Promise<boolean> {
    return this.sh(`[ -S ${CONTROL_SOCKET} ]`, { untold: true, timeout: 5_000 }).then(
      ({ exitCode }) => exitCode === 0,
      () => true,
    );
  }

  /** Send bytes as they are to pv-ctrl and collect the answer. */
  async rawControl(
    bytes: string | Buffer,
    options: Parameters<typeof rawExchange>[2],
  ): Promise<RawExchange> {
    const halfClose = options.halfClose === true ? ["-N"] : [];
    return rawExchange(
      await this.stream(["nc", ...halfClose, "-U", CONTROL_SOCKET]),
      bytes,
      options,
    );
  }

  inside(container: string): InsideContainer {
    this.#entered.add(container);
    this.onEnter?.(container);
    return new InsideContainer(this, container);
  }

  /** @returns names of the containers that were entered since the last call */
  takeEntered(): ReadonlySet<string> {
    const entered = this.#entered;
    this.#entered = new Set();
    return entered;
  }

  graph(signal?: AbortSignal): Promise<GraphEntry[]> {
    return this.control.graph(signal);
  }

  /** Output of pv-appengine, which is the container's own; a very long one lacks its middle. */
  output(): Promise<string> {
    return containerOutput(this.#container);
  }

  /**
   * Put logs, graph, containers and the engine's view into `folder`. Never throws.
   * @param over cuts it short
   */
  collectEvidence(folder: string, over?: AbortSignal): Promise<Evidence[]> {
    return collectAppengine(this, this.#container, folder, over);
  }

  /** Close what is open towards the container; the container itself goes on. */
  async close(): Promise<void> {
    this.control.close();
    await this.#shell.close();
  }

  /** Environment in which pvh's commands find its tools. */
  #tools(): Promise<readonly string[]> {
    this.#environment ??= toolsEnvironment(this.#container).catch((error: unknown) => {
      this.#environment = undefined;
      throw engineError(error, this.name);
    });
    return this.#environment;
  }

  /** @throws PvhError when it is not the appengine's doing */
  async #whyNot(signal: AbortSignal, whyLost: BootOptions["whyLost"]): Promise<string | undefined> {
    const [{ State: state }, output] = await Promise.all([
      this.#container.inspect(),
      lastOutput(this.#container),
    ]).catch(async (error: unknown) => {
      throw (await whyLost?.()) ?? engineError(error, this.name);
    });
    if (!state.Running || state.Paused) {
      const lost = await whyLost?.();
      if (lost !== undefined) throw lost;
    }
    if (!state.Running) return bootFailure({ output, exitCode: state.ExitCode, log: "" });
    const { stdout } = await this.sh(`cat ${EXIT_FILE} 2>/dev/null; :`, {
      signal,
      untold: true,
    });
    const exitCode = stdout.trim() === "" ? undefined : Number(stdout);
    const [{ late }, log] = [await deployment(this, signal), await reasonLines(this, signal)];
    return bootFailure({ output, exitCode, late, log });
  }
}
