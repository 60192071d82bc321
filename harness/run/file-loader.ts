import PQueue from "p-queue";
import { clock } from "../clock/clock.ts";
import type { Failure } from "../../reports/events.ts";
import { failureOf } from "../failure.ts";
import { LoaderProcess } from "./loader-process.ts";
import type { Answer, DeclaredScenario } from "./loader-process.ts";
import { positionOf } from "./source-position.ts";

export type LoadedFile =
  { readonly definitions: readonly DeclaredScenario[] } | { readonly failure: Failure };

/** Milliseconds for the modules of one file. */
const DEADLINE = 30_000;
/** Milliseconds that must be given until a file has to let others go on, and gets a process of its own. */
const SOON = 2_000;
/** Processes for files that are not loaded soon. */
const APART = 8;

/**
 * Loads scenario files in processes of their own: files that are loaded soon, which are nearly
 * all, share one. A file that hangs, ends its process or breaks it fails alone, and holds up no
 * other.
 */
export class FileLoader implements AsyncDisposable {
  readonly #deadline: number;
  readonly #shared = new LoaderProcess();
  readonly #inTurn = new PQueue({ concurrency: 1 });
  readonly #apart = new PQueue({ concurrency: APART });

  constructor(deadline = DEADLINE) {
    this.#deadline = deadline;
  }

  /**
   * @param shown the file's path as a failure names it
   * @param onlyRows every check has to be a row of the catalogue
   */
  async load(path: string, shown: string, onlyRows = true): Promise<LoadedFile> {
    let answer = await this.#inTurn.add(() => this.#loadInTurn(path, onlyRows));
    // It may be slow, or a file that was loaded before may have ended or blocked the process.
    if (typeof answer === "string")
      answer = await this.#apart.add(() => this.#loadApart(path, onlyRows));
    if (typeof answer === "string") {
      return { failure: failureOf("PVH_BAD_SCENARIO", `${shown}:1:1: ${answer}`) };
    }
    if ("definitions" in answer) return answer;
    const { at, what } = await positionOf(path, answer.error);
    const message = `${at ?? `${shown}:1:1`}: it cannot be loaded: ${what}`;
    return { failure: failureOf("PVH_BAD_SCENARIO", message) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#shared[Symbol.asyncDispose]();
  }

  async #loadInTurn(path: string, onlyRows: boolean): Promise<Answer | string> {
    // Time that is given: on a busy machine, nearly all files would need a process otherwise.
    using soon = clock.deadline(SOON);
    return await this.#shared.ask(path, onlyRows, soon);
  }

  async #loadApart(path: string, onlyRows: boolean): Promise<Answer | string> {
    await using process = new LoaderProcess();
    // Time of the wall: files that loop take the machine's time from each other.
    const ms = this.#deadline;
    return await process.ask(path, onlyRows, { signal: AbortSignal.timeout(ms), ms });
  }
}
