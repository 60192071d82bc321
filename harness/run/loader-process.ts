import { fork } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { EnteredName } from "./entered-names.ts";
import type { ContainerDefinition } from "../exports/container-definition.ts";
import { MODULE, OWN_SOURCES } from "../root.ts";
import { propertyOf } from "../thrown.ts";
import { AHEAD_VARIABLE } from "./load-ahead.ts";
import type { Ahead } from "./load-ahead.ts";

/** Declaration of a scenario in its file, as plain data. */
export interface DeclaredScenario {
  readonly name: string;
  readonly summary: string;
  readonly tags: readonly string[];
  readonly requires: readonly string[];
  readonly alone: boolean;
  readonly shares?: string;
  /** Options of its boot besides the containers, as text. */
  readonly boot: string;
  readonly containers: readonly (string | ContainerDefinition)[];
  readonly checks: readonly DeclaredCheck[];
}

interface DeclaredCheck {
  readonly id: string;
  readonly title: string;
  /** Containers that its text enters by name; absent where it cannot be told. */
  readonly entered?: readonly EnteredName[];
}

/** Question to load-files.main.ts. */
export interface Question {
  readonly id: number;
  readonly path: string;
  /** Every check has to be a row of the catalogue. */
  readonly onlyRows: boolean;
}

export interface LoadError {
  readonly message: string;
  readonly stack: string;
}

/** Answer of load-files.main.ts. */
export type Answer =
  { readonly definitions: readonly DeclaredScenario[] } | { readonly error: LoadError };

/** Limit on the time that a file may take to load. */
export interface Limit {
  readonly signal: AbortSignal;
  readonly ms: number;
}

/**
 * A process that loads one scenario file after the other. One that gives no answer to a file is
 * ended, and the next file gets a new one.
 */
export class LoaderProcess implements AsyncDisposable {
  #child: ChildProcess | undefined;
  /** Files that the process was asked for; they are numbered. */
  #asked = 0;

  /** @returns the answer, or why there is none */
  async ask(
    path: string,
    onlyRows: boolean,
    { signal: late, ms }: Limit,
  ): Promise<Answer | string> {
    const child = this.#running();
    this.#asked += 1;
    const id = this.#asked;
    const over = new AbortController();
    const { signal } = over;
    try {
      child.send({ id, path, onlyRows } satisfies Question, () => undefined);
      const answer = await Promise.race([
        answerTo(id, child, signal),
        once(child, "exit", { signal }).then(
          ([code, killed]: (number | string | null)[]) =>
            `its process ended (${killed ?? `exit ${code ?? "?"}`}) while it was loaded`,
        ),
        once(late, "abort", { signal }).then(() => `it was not loaded in ${ms / 1000} s`),
      ]);
      if (typeof answer === "string") await this[Symbol.asyncDispose]();
      return answer;
    } finally {
      over.abort();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || hasEnded(child)) return;
    const gone = once(child, "exit");
    child.kill("SIGKILL");
    await gone;
  }

  #running(): ChildProcess {
    if (this.#child === undefined || hasEnded(this.#child)) {
      this.#child = takeSpare() ?? start();
      this.#asked = 0;
    }
    return this.#child;
  }
}

/** A file may send messages of its own: they carry no number, or an old one. */
function answerTo(id: number, child: ChildProcess, signal: AbortSignal): Promise<Answer> {
  return new Promise((resolve) => {
    const hear = (message: unknown): void => {
      if (propertyOf(message, "id") === id) resolve(propertyOf(message, "answer") as Answer);
    };
    child.on("message", hear);
    signal.addEventListener("abort", () => child.off("message", hear), { once: true });
  });
}

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}

/** A process that has loaded pvh's modules, and no file yet. */
let spare: ChildProcess | undefined;

/** Start the process of the next LoaderProcess before it is needed. One that waits already is ended. */
export function prepareLoader(): void {
  dropLoader();
  spare = start({ [AHEAD_VARIABLE]: JSON.stringify({} satisfies Ahead) });
}

/** End the process that waits. */
export function dropLoader(): void {
  spare?.kill("SIGKILL");
  spare = undefined;
}

function takeSpare(): ChildProcess | undefined {
  const taken = spare;
  spare = undefined;
  return taken === undefined || hasEnded(taken) ? undefined : taken;
}

function start(environment: NodeJS.ProcessEnv = {}): ChildProcess {
  const child = fork(join(import.meta.dirname, `load-files.main${MODULE}`), {
    // A file may print when it is loaded; that is not what the command was asked for.
    stdio: ["ignore", "ignore", "ignore", "ipc"],
    serialization: "advanced",
    execArgv: [...OWN_SOURCES],
    env: { ...process.env, ...environment },
  });
  child.on("error", () => undefined);
  child.setMaxListeners(0);
  return child;
}
