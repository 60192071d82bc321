import { AbstractStartedContainer } from "testcontainers";
import type {
  ExecOptions,
  ExecResult,
  StartedTestContainer,
  StoppedTestContainer,
} from "testcontainers";
import type { GraphEntry } from "../../broker/formats/graph.ts";
import { clock } from "../clock/clock.ts";
import type { ControlClient } from "../control/control-client.ts";
import type { Engine } from "../engine/engine.ts";
import { engineError } from "../engine/engine-error.ts";
import type { PvhError } from "../errors.ts";
import type { Evidence } from "../evidence/collect-appengine.ts";
import { reap } from "../engine/reaper.ts";
import { shellQuote } from "../shell-quote.ts";
import { within } from "../within.ts";
import { Appengine } from "./appengine.ts";
import type { InsideContainer } from "./inside.ts";

/** The started form of AppengineContainer. */
export class StartedAppengineContainer extends AbstractStartedContainer {
  readonly appengine: Appengine;
  readonly #engine: Engine;

  constructor(started: StartedTestContainer, engine: Engine) {
    super(started);
    const container = engine.docker.getContainer(this.getId());
    this.appengine = new Appengine(container, started.getName().replace(/^\//, ""));
    this.#engine = engine;
  }

  get name(): string {
    return this.appengine.name;
  }

  get control(): ControlClient {
    return this.appengine.control;
  }

  /** As Testcontainers has it; without options it takes a channel that stays open. */
  override async exec(
    command: string | string[],
    options?: Partial<ExecOptions>,
  ): Promise<ExecResult> {
    if (options !== undefined) return super.exec(command, options);
    const script = typeof command === "string" ? command : command.map(shellQuote).join(" ");
    const { exitCode, stdout, stderr } = await this.appengine.sh(script);
    return { exitCode, stdout, stderr, output: stdout + stderr };
  }

  graph(signal?: AbortSignal): Promise<GraphEntry[]> {
    return this.appengine.graph(signal);
  }

  inside(container: string): InsideContainer {
    return this.appengine.inside(container);
  }

  /** Put logs, graph, containers and the engine's view into `folder`. Never throws. */
  collectEvidence(folder: string, cancelled?: AbortSignal): Promise<Evidence[]> {
    return this.appengine.collectEvidence(folder, cancelled);
  }

  /** @returns why the engine cannot be reached; undefined when it can */
  async engineGone(): Promise<PvhError | undefined> {
    try {
      await within(clock.deadline(3_000).signal, this.#engine.docker.ping());
      return undefined;
    } catch (error) {
      const why = engineError(error, this.name);
      return why.code === "PVH_ENGINE_UNREACHABLE" ? why : undefined;
    }
  }

  /**
   * `docker stop`: SIGTERM to PID 1, SIGKILL after the grace period. The container stays for
   * its evidence until stop().
   * @returns ms of given time that it took
   */
  async halt(graceSeconds: number): Promise<{ readonly exitCode: number; readonly ms: number }> {
    await this.appengine.close();
    const container = this.#engine.docker.getContainer(this.getId());
    const watch = clock.stopwatch();
    await container.stop({ t: graceSeconds });
    const ms = watch.given;
    return { exitCode: (await container.inspect()).State.ExitCode, ms };
  }

  /** Remove the container, its storage volume and loop devices that are left of them. */
  override async stop(): Promise<StoppedTestContainer> {
    await this.appengine.close();
    const stopped = await super.stop({ timeout: 0, remove: false });
    await reap(this.#engine, { kind: "container", name: this.name });
    return stopped;
  }
}
