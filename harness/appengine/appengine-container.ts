import "../engine/lazy-libraries.ts";
import { Readable } from "node:stream";
import type { QuirkName } from "../../broker/shared/quirks/names.ts";
import type { ImageInspectInfo } from "dockerode";
import type { DebugTopic } from "../../broker/shared/debug-topics.ts";
import { GenericContainer } from "testcontainers";
import type { BootStage } from "../../reports/events.ts";
import { debugTopics } from "../debug.ts";
import type { Engine } from "../engine/engine.ts";
import { findEngine, testcontainersEnvironment } from "../engine/find-engine.ts";
import { engineError, isEngineGone } from "../engine/engine-error.ts";
import { hasOwnTools, hasTools, labelsOf, ownerLabels, STOCK_LABEL } from "../engine/labels.ts";
import { privilegeProfile } from "../engine/privilege-profile.ts";
import { reap } from "../engine/reaper.ts";
import { PvhError } from "../errors.ts";
import { entryPointOf } from "../engine/entry-point.ts";
import { IDLE, prepared } from "./boot-preparation.ts";
import type { Appengine, BootMode, BootOptions } from "./appengine.ts";
import { loopBandOf } from "./loop-band.ts";
import { packExports } from "./pack-exports.ts";
import { STORAGE } from "./layout.ts";
import { limitsConfig, limitsOf } from "./limits.ts";
import { StartedAppengineContainer } from "./started-appengine-container.ts";

export interface StartOptions extends BootOptions {
  /** Folder for the evidence of a failed boot, written before the container is removed. */
  readonly evidence?: string;
  /** Cuts short the keeping of evidence. */
  readonly evidenceOver?: AbortSignal;
  /** Told of the appengine before it boots. */
  readonly onAppengine?: (appengine: Appengine) => void;
  /** Leave a container that failed to boot for a look; default false. */
  readonly keep?: boolean;
}

/**
 * A Pantavisor appengine as a Testcontainers module; pvh itself boots through it.
 *
 * ```ts
 * await using appengine = await new AppengineContainer("pantavisor-appengine:1.0")
 *   .withExports("x.pvrexport.tgz")
 *   .start();
 * await appengine.control.containers();
 * ```
 *
 * The container gets the privilege profile of the engine, limits (PVH_LIMITS), no network, a
 * storage volume of its own, and labels by which a killed pvh is cleaned up after.
 */
export class AppengineContainer extends GenericContainer {
  #exports: string[] = [];
  #boot: BootMode = "auto";
  #cmdline = "";
  #storageShared = false;
  #broker: "native" | "reference" = "native";
  #startupTimeout: number | undefined;
  #engine: Engine | undefined;
  #begun = performance.now();
  #options: StartOptions = {};

  constructor(image: string) {
    super(image);
    this.withAutoCleanup(false).withNetworkMode("none").withWaitStrategy(noWaitStrategy);
  }

  /** Paths of pvrexports, deployed in the byte order of their file names. */
  withExports(...paths: string[]): this {
    this.#exports.push(...paths);
    return this;
  }

  /** `auto`: the image's entry point. `manual`: an idle PID 1, then `pv-appengine &`. */
  withBoot(mode: BootMode): this {
    this.#boot = mode;
    return this;
  }

  /** Deviations that the reference appengine is told to make. */
  withQuirks(...names: string[]): this {
    this.#storageShared = names.includes("storage-shared" satisfies QuirkName);
    return names.length === 0 ? this : this.withEnvironment({ PVH_QUIRKS: names.join(",") });
  }

  /** Whose pv-xconnect mediates: the image's own (default), or the strict reference's in its place. */
  withBroker(which: "native" | "reference"): this {
    this.#broker = which;
    return this;
  }

  /** Milliseconds for the whole boot; without it, each of its stages has a deadline of its own. */
  override withStartupTimeout(ms: number): this {
    this.#startupTimeout = ms;
    return this;
  }

  /** Divide every wait of the reference appengine and the examples by this. */
  withTimeScale(scale: number): this {
    return scale === 1 ? this : this.withEnvironment({ PVH_TIME_SCALE: String(scale) });
  }

  /** Appended to pantavisor's command line, as `pv-appengine -c` does; only with the boot `auto`. */
  withCmdline(cmdline: string): this {
    this.#cmdline = cmdline;
    return this;
  }

  /** Use this engine instead of the one that findEngine() finds. */
  withEngine(engine: Engine): this {
    this.#engine = engine;
    return this;
  }

  /**
   * @throws PvhError PVH_ENGINE_…, PVH_IMAGE_MISSING, PVH_NAME_IN_USE, or PVH_NEVER_READY with
   *         the stage and the reason; a container that failed to boot is removed
   */
  override async start(options: StartOptions = {}): Promise<StartedAppengineContainer> {
    this.#options = options;
    const engine = (this.#engine ??= await findEngine(options));
    testcontainersEnvironment(engine);
    this.#stage("engine", `${engine.version} at ${engine.host}`);
    const image = await this.#inspectImage(engine);
    this.#stage("image", image.Id);
    const name = (this.createOpts.name ??= `pvh-${crypto.randomUUID().slice(0, 8)}`);
    this.#plan(engine, name, image.Config);
    this.createOpts.Image = await this.#equipped(engine, image, options);
    if (options.signal?.aborted === true) throw new PvhError("PVH_ABORTED", `cancelled: ${name}`);
    const generic = await unlessSilent(engine, super.start()).catch(async (cause: unknown) => {
      const error = engineError(cause, name);
      // A name in use is another's container; any other error may leave ours half made.
      if (error.code !== "PVH_NAME_IN_USE")
        await cleanUp(reap(engine, { kind: "container", name }));
      throw error;
    });
    const started = new StartedAppengineContainer(generic, engine);
    try {
      this.#stage("container", started.name);
      options.onAppengine?.(started.appengine);
      await this.#inTime(started.name, options, (limited) =>
        started.appengine.boot(this.#boot, { ...limited, whyLost: () => started.whyLost() }),
      );
      return started;
    } catch (error) {
      if (options.evidence !== undefined) {
        await started.collectEvidence(options.evidence, options.evidenceOver);
      }
      if (options.keep !== true) await cleanUp(started.stop());
      throw error;
    }
  }

  /** Before Testcontainers does it: it would ask a registry for an image that is missing. */
  async #inspectImage(engine: Engine): Promise<ImageInspectInfo> {
    try {
      return await engine.docker.getImage(this.imageName.string).inspect();
    } catch (error) {
      throw engineError(error, this.imageName.string);
    }
  }

  async #equipped(
    engine: Engine,
    { Id: id, Config }: ImageInspectInfo,
    options: StartOptions,
  ): Promise<string> {
    const [ref, labels] = [this.imageName.string, labelsOf(Config)];
    const equipped = hasTools(labels) ? ref : await equip(engine, { ref, id, labels }, options);
    if (this.#broker === "native") return equipped;
    const { ensureBrokerImage } = await import("../image/broker-image.ts");
    return ensureBrokerImage(engine, equipped, options);
  }

  /** @throws PvhError PVH_NEVER_READY when the startup timeout passes */
  async #inTime(
    name: string,
    options: StartOptions,
    boot: (options: StartOptions) => Promise<void>,
  ): Promise<void> {
    const ms = this.#startupTimeout;
    if (ms === undefined) return boot(options);
    const late = AbortSignal.timeout(ms);
    const signals = options.signal === undefined ? [late] : [late, options.signal];
    await boot({ ...options, signal: AbortSignal.any(signals) }).catch((cause: unknown) => {
      if (!late.aborted || options.signal?.aborted === true) throw cause;
      throw new PvhError("PVH_NEVER_READY", `${name} did not boot in ${ms} ms`, {
        hint: "give it more with withStartupTimeout()",
        cause,
      });
    });
  }

  /** @throws PvhError PVH_BAD_IMAGE */
  #plan(engine: Engine, name: string, config: ImageInspectInfo["Config"]): void {
    const entrypoint = entryPointOf(config);
    const isStocked = Object.hasOwn(labelsOf(config), STOCK_LABEL);
    if (this.#boot === "auto" && entrypoint.length === 0) {
      throw new PvhError("PVH_BAD_IMAGE", `image ${this.imageName.string} has no entry point`, {
        hint: "boot it with --boot manual",
      });
    }
    const words = this.#cmdline === "" ? [] : ["-c", this.#cmdline];
    this.withEntrypoint(
      this.#boot === "manual" ? [...IDLE] : prepared([...entrypoint, ...words]),
    ).withCommand([]);
    if (debugTopics().has("filter")) {
      this.withEnvironment({ PVH_DEBUG: "filter" satisfies DebugTopic });
    }
    if (!hasOwnTools(labelsOf(config)) && this.environment["PV_LOOP_INDEX_BASE"] === undefined) {
      this.withEnvironment({ PV_LOOP_INDEX_BASE: String(loopBandOf(name)) });
    }
    const labels = { ...ownerLabels(), ...this.createOpts.Labels };
    this.createOpts.Labels = labels;
    Object.assign(this.hostConfig, privilegeProfile(engine), limitsConfig(limitsOf()), {
      Mounts: [
        {
          Type: "volume",
          Source: this.#storageShared ? "pvh-shared-storage" : `${name}-storage`,
          Target: STORAGE,
          VolumeOptions: {
            // Content that any other image has at this path is not meant as storage.
            NoCopy: !isStocked,
            Labels: labels,
            DriverConfig: { Name: "local", Options: {} },
          },
        },
      ],
    });
  }

  protected override async containerCreated(id: string): Promise<void> {
    await this.#need()
      .docker.getContainer(id)
      .putArchive(await packExports(this.#exports), { path: "/" });
  }

  #need(): Engine {
    if (this.#engine === undefined) throw new PvhError("PVH_INTERNAL", "no engine before start()");
    return this.#engine;
  }

  #stage(stage: BootStage, detail: string): void {
    const now = performance.now();
    this.#options.onStage?.(stage, now - this.#begun, true, detail);
    this.#begun = now;
  }
}

/**
 * Testcontainers' own requests would wait for ever for an engine that is stuck. A stream of events
 * on our client is under way meanwhile, and fails when the engine falls silent.
 * @throws PvhError PVH_ENGINE_SILENT, and what the work throws
 */
async function unlessSilent<T>(engine: Engine, work: Promise<T>): Promise<T> {
  const watch = engine.docker.getEvents({ filters: { type: ["plugin"] } });
  const silent = watch.then(
    (events) => new Promise<never>((_, reject) => events.once("error", reject)),
    // An engine's proxy may forbid it.
    (error: unknown) => (isEngineGone(error) ? Promise.reject(error) : work),
  );
  try {
    return await Promise.race([work, silent]);
  } finally {
    watch.then(
      (events) => events instanceof Readable && events.destroy(),
      () => undefined,
    );
  }
}

/**
 * Waits for a removal and ignores its failure, as when the engine has gone: it must not hide the
 * error that led here. The next pvh removes the rest.
 */
async function cleanUp(removal: Promise<unknown>): Promise<void> {
  await removal.catch(() => undefined);
}

async function equip(
  engine: Engine,
  image: {
    readonly ref: string;
    readonly id: string;
    readonly labels: ReturnType<typeof labelsOf>;
  },
  options: StartOptions,
): Promise<string> {
  const { ensureEquippedImage } = await import("../image/equipped-image.ts");
  return ensureEquippedImage(engine, image, options);
}

/** READY is judged by the boot stages; a wait strategy that a caller gives comes before them. */
const noWaitStrategy = {
  waitUntilReady: (): Promise<void> => Promise.resolve(),
  withStartupTimeout: () => noWaitStrategy,
  isStartupTimeoutSet: () => false,
  getStartupTimeout: () => 0,
};
