import type { Duplex } from "node:stream";
import { PvhError } from "../errors.ts";
import { shellQuote } from "../shell-quote.ts";

export interface CommandResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions {
  readonly signal?: AbortSignal;
  /** Milliseconds. */
  readonly timeout?: number;
}

/** What InsideContainer needs of the appengine it is in. */
export interface AppengineShell {
  sh(script: string, options?: CommandOptions): Promise<CommandResult>;
  stream(argv: readonly string[]): Promise<Duplex>;
}

/** One LXC container of a booted appengine, entered with lxc-attach. */
export class InsideContainer {
  readonly name: string;
  readonly #appengine: AppengineShell;

  constructor(appengine: AppengineShell, name: string) {
    this.#appengine = appengine;
    this.name = name;
  }

  /** Run a POSIX sh script in the container. */
  sh(script: string, options?: CommandOptions): Promise<CommandResult> {
    return this.#appengine.sh(
      this.#attach(["/bin/sh", "-c", script]).map(shellQuote).join(" "),
      options,
    );
  }

  /** Run a Python 3 program in the container; the examples' root filesystem carries one. */
  python(program: string, options?: CommandOptions): Promise<CommandResult> {
    return this.#appengine.sh(
      this.#attach(["python3", "-c", program]).map(shellQuote).join(" "),
      options,
    );
  }

  /** Start a command whose stdin and stdout are the stream. */
  stream(argv: readonly string[]): Promise<Duplex> {
    return this.#appengine.stream(this.#attach(argv));
  }

  /**
   * Pid of the container's init, as seen in the appengine.
   * @throws PvhError PVH_CONTROL when the container is not running
   */
  async pid(): Promise<number> {
    const { stdout } = await this.#appengine.sh(`lxc-info -n ${shellQuote(this.name)} -p -H`);
    const pid = Number(stdout.trim());
    if (Number.isInteger(pid) && pid > 0) return pid;
    throw new PvhError("PVH_CONTROL", `container '${this.name}' has no init process`);
  }

  #attach(argv: readonly string[]): string[] {
    return ["lxc-attach", "-n", this.name, "--", ...argv];
  }
}
