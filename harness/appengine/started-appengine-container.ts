import { AbstractStartedContainer } from "testcontainers";
import type {
  ExecOptions,
  ExecResult,
  StartedTestContainer,
  StoppedTestContainer,
} from "testcontainers";
import type { GraphEntry } from "../../broker/shared/formats/graph.ts";
import { clock } from "../clock/clock.ts";
import type { ControlClient } from "../control/control-client.ts";
import type { Engine } from "../engine/engine.ts";
import { PvhError } from "../errors.ts";
import type { Evidence } from "./evidence.ts";
import { demandRemoval, reap } from "../engine/reaper.ts";
import { shellQuote } from "../shell-quote.ts";
import { Appengine } from "./appengine.ts";
import type { InsideContainer } from "./inside.ts";
import { until } from "../until.ts";
import { whyLost } from "./why-lost.ts";

/** Milliseconds in which pantavisor is started again after a crash: 029-32 takes some 10 s. */
const SOUND_AGAIN = 15_000;

/** The started form of AppengineContainer. */
export class StartedAppengineContainer extends AbstractStartedContainer {
  readonly appengine: Appengine;
  readonly #engine: Engine;
  /** True once pvh itself has stopped it. */
  #ended = false;

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

  /** Same as in Testcontainers; without options it uses a channel that stays open. */
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

  /**
   * Put logs, graph, containers and the engine's view into `folder`. Never throws.
   * @param over cuts it short
   */
  collectEvidence(folder: string, over?: AbortSignal): Promise<Evidence[]> {
    return this.appengine.collectEvidence(folder, over);
  }

  /** @returns why nothing can be said of it any more; undefined for what it, or pvh, did itself */
  async whyLost(): Promise<PvhError | undefined> {
    return this.#ended ? undefined : whyLost(this.#engine, this.getId(), this.name);
  }

  /**
   * Why nothing in the appengine can be judged any more; undefined when pv-ctrl answers. One that
   * starts its pantavisor again is waited for.
   */
  async whyNotSound(signal: AbortSignal): Promise<string | undefined> {
    if (await this.#hasEnded()) return "the appengine ended";
    const answers = until(
      "pv-ctrl to answer",
      async () => (await this.control.send("GET", "/buildinfo", { signal, timeout: 5_000 })).status,
      { signal, timeout: SOUND_AGAIN, every: 100 },
    );
    return answers.then(
      () => undefined,
      async () => ((await this.#hasEnded()) ? "the appengine ended" : "pv-ctrl fell silent"),
    );
  }

  /** PID 1 has ended by itself. */
  async #hasEnded(): Promise<boolean> {
    if (this.#ended) return false;
    const container = this.#engine.docker.getContainer(this.getId());
    const running = await container.inspect().then(
      ({ State }) => State.Running,
      // An engine that does not answer is told by whyLost().
      () => true,
    );
    return !running;
  }

  /**
   * `docker stop`: SIGTERM to PID 1, SIGKILL after the grace period. The container stays for
   * its evidence until stop().
   * @returns ms of given time that it took
   */
  async halt(graceSeconds: number): Promise<{ readonly exitCode: number; readonly ms: number }> {
    this.#ended = true;
    await this.appengine.close();
    const container = this.#engine.docker.getContainer(this.getId());
    const watch = clock.stopwatch();
    await container.stop({ t: graceSeconds });
    const ms = watch.given;
    return { exitCode: (await container.inspect()).State.ExitCode, ms };
  }

  /**
   * Remove the container, its storage volume and loop devices that are left of them.
   * @throws PvhError PVH_ENGINE naming what is not removed
   */
  override async stop(): Promise<StoppedTestContainer> {
    this.#ended = true;
    // The removal ends the commands that run inside, so it does not wait for close().
    const closed = this.appengine.close();
    const id = this.getId();
    demandRemoval(await reap(this.#engine, { kind: "container", name: id }));
    await closed;
    return {
      getId: () => id,
      copyArchiveFromContainer: () =>
        Promise.reject(new PvhError("PVH_ENGINE", `${this.name} was removed`)),
    };
  }
}
