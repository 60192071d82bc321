import { fork } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { ContainerDefinition } from "../exports/container-definition.ts";
import type { Failure } from "../../reports/events.ts";
import { failureOf } from "../failure.ts";
import { positionOf } from "./source-position.ts";

/** What a scenario file declares, as plain data. */
export interface DeclaredScenario {
  readonly name: string;
  readonly summary: string;
  readonly tags: readonly string[];
  readonly requires: readonly string[];
  readonly alone: boolean;
  readonly containers: readonly (string | ContainerDefinition)[];
  readonly checks: readonly { readonly id: string; readonly title: string }[];
}

export interface LoadError {
  readonly message: string;
  readonly stack: string;
}

/** Answer of load-files.main.ts. */
export type Answer =
  { readonly definitions: readonly DeclaredScenario[] } | { readonly error: LoadError };

export type LoadedFile =
  { readonly definitions: readonly DeclaredScenario[] } | { readonly failure: Failure };

/** Milliseconds for the modules of one file. */
const DEADLINE = 30_000;

/**
 * Loads scenario files in a process of its own: a file that hangs, ends its process or breaks it
 * fails alone, and the next one gets a new process.
 */
export class FileLoader implements AsyncDisposable {
  readonly #deadline: number;
  #child: ChildProcess | undefined;
  /** Files that the process has loaded already; their left-overs may act in it. */
  #loaded = 0;

  constructor(deadline = DEADLINE) {
    this.#deadline = deadline;
  }

  /** @param shown the file's path as a failure names it */
  async load(path: string, shown: string): Promise<LoadedFile> {
    let answer = await this.#ask(path);
    if (typeof answer === "string" && this.#loaded > 0) {
      this.#loaded = 0;
      // A file that was loaded before may have ended the process.
      answer = await this.#ask(path);
    }
    if (typeof answer === "string") {
      const message = `${shown}:1:1: ${answer}`;
      this.#loaded = 0;
      return { failure: failureOf("PVH_BAD_SCENARIO", message) };
    }
    this.#loaded += 1;
    if ("definitions" in answer) return answer;
    const { at, what } = await positionOf(path, answer.error);
    const message = `${at ?? `${shown}:1:1`}: it cannot be loaded: ${what}`;
    return { failure: failureOf("PVH_BAD_SCENARIO", message) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#end();
  }

  /** @returns the answer, or why there is none */
  async #ask(path: string): Promise<Answer | string> {
    const isGone = this.#child?.exitCode !== null || this.#child.signalCode !== null;
    if (this.#child === undefined || isGone) this.#child = start();
    const child = this.#child;
    const over = new AbortController();
    const { signal } = over;
    const tooLate = `it was not loaded in ${this.#deadline / 1000} s`;
    const late = AbortSignal.timeout(this.#deadline);
    try {
      child.send(path, () => undefined);
      return await Promise.race([
        once(child, "message", { signal }).then(([answer]: Answer[]) => answer ?? "no answer"),
        once(child, "exit", { signal }).then(([code, killed]: (number | string | null)[]) => {
          this.#child = undefined;
          if (late.aborted) return tooLate;
          return `its process ended (${killed ?? `exit ${code ?? "?"}`}) while it was loaded`;
        }),
        once(late, "abort", { signal }).then(async () => {
          await this.#end();
          return tooLate;
        }),
      ]);
    } finally {
      over.abort();
    }
  }

  async #end(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, "exit");
    child.kill("SIGKILL");
    await gone;
  }
}

function start(): ChildProcess {
  const child = fork(join(import.meta.dirname, "load-files.main.ts"), {
    // A file may print when it is loaded; that is not what the command was asked for.
    stdio: ["ignore", "ignore", "ignore", "ipc"],
    serialization: "advanced",
    execArgv: [],
  });
  child.on("error", () => undefined);
  child.setMaxListeners(0);
  return child;
}
