import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readFileSync } from "node:fs";
import { PvhError } from "../errors.ts";
import { until } from "../until.ts";

/** How long programs may take until they serve, in milliseconds. */
const START_TIMEOUT = 15_000;

/** A long-running program of the bench; its output goes to a file. Disposing of it ends it. */
export class Program implements AsyncDisposable {
  readonly pid: number;
  readonly #name: string;
  readonly #child: ChildProcess;
  readonly #log: string;

  private constructor(name: string, child: ChildProcess, pid: number, log: string) {
    this.#name = name;
    this.#child = child;
    this.pid = pid;
    this.#log = log;
  }

  /**
   * @param log file for its stdout and stderr
   * @throws PvhError PVH_CAPABILITY when it cannot be started
   */
  static async start(
    command: readonly [string, ...string[]],
    { name, log, cwd }: { readonly name: string; readonly log: string; readonly cwd: string },
  ): Promise<Program> {
    const [file, ...args] = command;
    const output = openSync(log, "a");
    try {
      // Its input is a pipe of ours: some of them end with it when pvh is killed.
      const child = spawn(file, args, { stdio: ["pipe", output, output], cwd });
      await once(child, "spawn");
      if (child.pid === undefined) throw new Error("no process");
      return new Program(name, child, child.pid, log);
    } catch (error) {
      throw new PvhError("PVH_CAPABILITY", `cannot start ${file}`, { cause: error });
    } finally {
      closeSync(output);
    }
  }

  get output(): string {
    return readFileSync(this.#log, "utf8");
  }

  /**
   * Wait for what shows that it serves.
   * @throws PvhError PVH_CAPABILITY when it ends before, PVH_TIMEOUT, PVH_ABORTED
   */
  async ready(probe: () => boolean, signal: AbortSignal): Promise<void> {
    const what = `${this.#name} to serve`;
    await until(what, () => probe() || this.#hasEnded, { signal, timeout: START_TIMEOUT });
    if (!this.#hasEnded) return;
    const last = this.output.trim().split("\n").slice(-3).join(" | ");
    throw new PvhError("PVH_CAPABILITY", `${this.#name} has ended: ${last}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#hasEnded) return;
    const exited = once(this.#child, "exit");
    this.#child.kill("SIGTERM");
    const kill = setTimeout(() => this.#child.kill("SIGKILL"), 3_000);
    await exited;
    clearTimeout(kill);
  }

  get #hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }
}
