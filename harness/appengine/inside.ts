import { randomBytes } from "node:crypto";
import type { ExecStream, StreamOptions } from "../engine/streams.ts";
import { PvhError } from "../errors.ts";
import { observed } from "../observed.ts";
import { shellQuote } from "../shell-quote.ts";
import type { AppengineShell } from "./appengine-shell.ts";
import { enterArgv, findInit } from "./container-init.ts";
import type { ContainerInit } from "./container-init.ts";
import { checked } from "./command-result.ts";
import type { CommandOptions, CommandResult } from "./command-result.ts";
import { pythonArgv } from "./python.ts";
import type { PythonProgram } from "./python.ts";
import { whyNotEntered } from "./why-not-entered.ts";

/**
 * One container of a booted appengine, entered by its init process. Every method throws
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
    const argv = await this.#enter(["/bin/sh", "-c", `printf ${here}\n${script}`]);
    const told = `in ${this.name}: ${options?.told ?? script}`;
    const result = await this.#appengine.sh(argv.map(shellQuote).join(" "), { ...options, told });
    const entered = result.stdout.startsWith(here);
    if (!entered || result.exitCode >= BY_SIGNAL) {
      const why = await this.whyDown(entered ? undefined : result);
      if (why !== undefined) throw why;
    }
    const stdout = result.stdout.slice(here.length);
    const code = result.exitCode === 0 ? "" : `exit code ${result.exitCode}\n`;
    observed(`in ${this.name}: ${script}`, code + stdout + result.stderr);
    return { ...result, stdout };
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
    const told = program.name === "python" ? program.source : program.name;
    return checked(await this.sh(script, { told, ...options }), `${program.name} in ${this.name}`);
  }

  /** Start a command whose stdin and stdout are the stream. */
  async stream(argv: readonly string[], options?: StreamOptions): Promise<ExecStream> {
    return this.#appengine.stream(await this.#enter(argv), options);
  }

  /**
   * Pid of the container's init, as seen in the appengine.
   * @throws PvhError
   */
  async pid(): Promise<number> {
    return (await this.#init()).pid;
  }

  /**
   * Reason why a program in it has ended, or could not begin, when the container is to blame.
   * @param refused result of the command that did not get in
   */
  whyDown(refused?: CommandResult): Promise<PvhError | undefined> {
    return whyNotEntered(this.#appengine, this.name, refused);
  }

  async #enter(argv: readonly string[]): Promise<string[]> {
    return enterArgv(await this.#init(), argv);
  }

  async #init(): Promise<ContainerInit> {
    const init = await findInit(this.#appengine, this.name);
    if (init !== undefined) return init;
    throw (
      (await this.whyDown()) ??
      new PvhError("PVH_CONTAINER_DOWN", `container '${this.name}' has no init process`)
    );
  }
}

/** A shell's status for a command that a signal ended is 128 and more. */
const BY_SIGNAL = 128;
