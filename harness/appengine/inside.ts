import { randomBytes } from "node:crypto";
import type { ExecStream, StreamOptions } from "../engine/streams.ts";
import { PvhError } from "../errors.ts";
import { shellQuote } from "../shell-quote.ts";
import type { AppengineShell } from "./appengine-shell.ts";
import { checked } from "./command-result.ts";
import type { CommandOptions, CommandResult } from "./command-result.ts";
import { pythonArgv } from "./python.ts";
import type { PythonProgram } from "./python.ts";
import { whyNotEntered } from "./why-not-entered.ts";

/**
 * One LXC container of a booted appengine, entered with lxc-attach. Every method throws
 * PVH_NO_CONTAINER when there is none of that name, and PVH_CONTAINER_DOWN when it does not run
 * or goes down under a command: no answer is never an empty answer.
 */
export class InsideContainer {
  readonly name: string;
  readonly #appengine: AppengineShell;

  constructor(appengine: AppengineShell, name: string) {
    this.#appengine = appengine;
    this.name = name;
  }

  /** Run a POSIX sh script in the container. Its exit status is for the caller to judge. */
  async sh(script: string, options?: CommandOptions): Promise<CommandResult> {
    // The container's own shell says first that it is there.
    const here = randomBytes(8).toString("hex");
    const argv = this.#attach(["/bin/sh", "-c", `printf ${here}\n${script}`]);
    const result = await this.#appengine.sh(argv.map(shellQuote).join(" "), options);
    const entered = result.stdout.startsWith(here);
    if (!entered || result.exitCode >= BY_SIGNAL) {
      const why = await this.whyDown(entered ? undefined : result);
      if (why !== undefined) throw why;
    }
    return { ...result, stdout: result.stdout.slice(here.length) };
  }

  /**
   * Output of a shell script.
   * @throws PvhError PVH_COMMAND with its exit status and stderr unless it succeeds
   */
  async text(script: string, options?: CommandOptions): Promise<string> {
    return checked(await this.sh(script, options), `in ${this.name}: ${script}`);
  }

  /**
   * Output of a Python 3 program; the examples' root filesystem carries Python and the package
   * `probes` (containers/probes).
   * @throws PvhError PVH_COMMAND with its traceback unless it succeeds
   */
  async python(program: PythonProgram, options?: CommandOptions): Promise<string> {
    const script = `exec ${pythonArgv(program).map(shellQuote).join(" ")}`;
    return checked(await this.sh(script, options), `${program.name} in ${this.name}`);
  }

  /** Start a command whose stdin and stdout are the stream. */
  stream(argv: readonly string[], options?: StreamOptions): Promise<ExecStream> {
    return this.#appengine.stream(this.#attach(argv), options);
  }

  /**
   * Pid of the container's init, as seen in the appengine.
   * @throws PvhError
   */
  async pid(): Promise<number> {
    const info = await this.#appengine.sh(`lxc-info -n ${shellQuote(this.name)} -p -H`);
    const pid = Number(info.stdout.trim());
    if (Number.isInteger(pid) && pid > 0) return pid;
    throw (
      (await this.whyDown(info)) ??
      new PvhError("PVH_CONTAINER_DOWN", `container '${this.name}' has no init process`)
    );
  }

  /**
   * Reason why a program in it has ended, or could not begin, when the container is to blame.
   * @param refused result of the command that did not get in
   */
  whyDown(refused?: CommandResult): Promise<PvhError | undefined> {
    return whyNotEntered(this.#appengine, this.name, refused);
  }

  #attach(argv: readonly string[]): string[] {
    return ["lxc-attach", "-n", this.name, "--", ...argv];
  }
}

/** A shell's status for a command that a signal ended is 128 and more. */
const BY_SIGNAL = 128;
