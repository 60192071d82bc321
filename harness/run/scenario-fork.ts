import { ChildProcess } from "node:child_process";
import { join } from "node:path";
import { ForksPoolWorker } from "vitest/node";
import type { PoolOptions, WorkerRequest } from "vitest/node";
import { debugTopics } from "../debug.ts";
import { PvhError } from "../errors.ts";
import { WORKER_VARIABLE } from "../processes.ts";
import { MODULE } from "../root.ts";
import { engineEnvironment } from "./engine-slots.ts";
import type { EngineSlots } from "./engine-slots.ts";
import { ALIVE } from "./sign-of-life.ts";
import type { Spare, SpareFork } from "./spare-fork.ts";
import { endProcessesOf, endWorkersWithUs, nameWorker } from "./worker-processes.ts";

/** Name of the pool in vitest's configuration. */
export const POOL = "pvh-scenarios";

/** Listener for the life of the processes of scenarios. */
export interface ForkHost {
  began(fork: ScenarioFork, file: string): void;
  alive(file: string): void;
  /** @param how "exit 3", "SIGKILL", …; undefined where vitest ended it when it had done its work */
  exited(file: string, how: Exit): void;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** vitest had asked it to end. */
  readonly asked: boolean;
}

/** vitest's process for one scenario file, with an ear for its end; what it started ends with it. */
export class ScenarioFork extends ForksPoolWorker {
  override readonly name = POOL;
  override readonly entrypoint = join(import.meta.dirname, `scenario-worker${MODULE}`);
  readonly #host: ForkHost;
  readonly #release: () => void;
  readonly #worker: string;
  /** The process that was started for it before. */
  readonly #spare: Spare | undefined;
  #file: string | undefined;
  #process: ChildProcess | undefined;
  #asked = false;
  #answer: ((message: unknown) => void) | undefined;

  constructor(options: PoolOptions, host: ForkHost, slots: EngineSlots, spares?: SpareFork) {
    const engine = slots.take();
    // One that waits has no engine of several.
    const spare = engine === undefined ? spares?.take() : undefined;
    const worker = spare?.worker ?? nameWorker();
    const own = { [WORKER_VARIABLE]: worker, ...engineEnvironment(engine) };
    super({ ...options, env: { ...options.env, ...own } });
    this.#release = () => slots.release(engine);
    this.#host = host;
    this.#worker = worker;
    this.#spare = spare;
    const { entrypoint, execArgv } = this;
    spares?.remember({ entrypoint, execArgv, env: options.env });
  }

  override async start(): Promise<void> {
    endWorkersWithUs();
    // vitest starts one only where there is none.
    if (this.#spare !== undefined) Reflect.set(this, "_fork", this.#spare.child);
    await super.start();
    const child: unknown = Reflect.get(this, "_fork");
    if (!(child instanceof ChildProcess)) {
      throw new PvhError("PVH_INTERNAL", "vitest does not expose the worker's process");
    }
    this.#process = child;
    // vitest keeps the stderr of a scenario in vitest.log; its debug lines are to be seen at once.
    if (debugTopics().size > 0) child.stderr?.pipe(process.stderr, { end: false });
    child.on("message", (message) => {
      if (message === ALIVE && this.#file !== undefined) this.#host.alive(this.#file);
    });
    child.once("exit", (code, signal) => {
      endProcessesOf(this.#worker);
      this.#release();
      if (this.#file !== undefined) {
        this.#host.exited(this.#file, { code, signal, asked: this.#asked });
      }
      // vitest waits a minute for the answer of a process that ends while it is asked to.
      this.#answer?.({ type: "stopped", __vitest_worker_response__: true });
    });
  }

  override on(event: string, callback: (message: unknown) => void): void {
    if (event !== "message") {
      super.on(event, callback);
      return;
    }
    this.#answer = callback;
    super.on(event, (message: unknown) => {
      if (isOfVitest(message)) callback(message);
    });
  }

  override send(message: WorkerRequest): void {
    if (message.type === "run") {
      this.#file = message.context.files[0]?.filepath ?? "";
      this.#host.began(this, this.#file);
    }
    if (message.type === "stop") this.#asked = true;
    super.send(message);
  }

  override stop(): Promise<void> {
    this.#asked = true;
    return super.stop();
  }

  kill(): void {
    this.#process?.kill("SIGKILL");
  }
}

/**
 * A message that vitest can read: an answer of its worker, or a call or a return value of its
 * remote procedures (`t` is "q" or "s"). Anything else comes from the scenario's own code.
 */
function isOfVitest(message: unknown): boolean {
  if (typeof message !== "object" || message === null) return false;
  if (Reflect.get(message, "__vitest_worker_response__") === true) return true;
  const kind: unknown = Reflect.get(message, "t");
  return (
    kind === "s" ||
    (kind === "q" && typeof Reflect.get(message, "m") === "string" && "a" in message)
  );
}
