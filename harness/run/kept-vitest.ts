import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Ahead } from "./load-ahead.ts";
import { SpareFork } from "./spare-fork.ts";
import { VitestBridge } from "./vitest-bridge.ts";
import type { BridgedRun } from "./vitest-bridge.ts";

/** vitest that stays from one run of the same scenarios to the next, and the process of the next scenario. */
export class KeptVitest implements Disposable {
  readonly #spares = new SpareFork();
  #folder: string | undefined;
  #opening: Promise<VitestBridge> | undefined;

  /** @param files of the scenarios, absolute; the same in all runs */
  async open(files: readonly string[], jobs: number, run: BridgedRun): Promise<VitestBridge> {
    this.#folder ??= mkdtempSync(join(tmpdir(), "pvh-vitest-"));
    this.#opening ??= VitestBridge.open(files, this.#folder, jobs, run, this.#spares);
    const bridge = await this.#opening;
    bridge.serve(run);
    return bridge;
  }

  /** Start the process of the next scenario. */
  prepare(ahead: Ahead): void {
    this.#spares.prepare(ahead);
  }

  /** End the process that waits: a module that it has loaded is another now. */
  drop(): void {
    this.#spares.drop();
  }

  /** The next run begins with a new one: this one was stopped, or has failed itself. It ends with this process. */
  forget(): void {
    this.#opening = undefined;
  }

  [Symbol.dispose](): void {
    this.drop();
    this.forget();
    if (this.#folder !== undefined) rmSync(this.#folder, { recursive: true, force: true });
  }
}
