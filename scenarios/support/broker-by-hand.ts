import type { Appengine } from "../../harness/appengine/appengine.ts";
import { Program } from "./program.ts";

/** A pv-xconnect that a check starts beside the daemon; its lines come at once. */
export class BrokerByHand implements AsyncDisposable {
  readonly program: Program;
  readonly #appengine: Appengine;
  readonly #pid: number;

  private constructor(appengine: Appengine, program: Program, pid: number) {
    this.#appengine = appengine;
    this.program = program;
    this.#pid = pid;
  }

  static async start(appengine: Appengine): Promise<BrokerByHand> {
    const argv = ["sh", "-c", "echo $$; exec stdbuf -oL pv-xconnect"];
    const program = await Program.start(appengine, argv, "pv-xconnect by hand");
    return new BrokerByHand(appengine, program, Number(await program.line(15_000)));
  }

  /** Ctrl+C, or `kill`: SIGTERM, and wait until it is gone. */
  async end(): Promise<void> {
    const pid = this.#pid;
    await this.#appengine.text(
      `kill -TERM ${pid} 2>/dev/null; while kill -0 ${pid} 2>/dev/null; do sleep 0.05; done`,
    );
  }

  /** One that a check has not ended plants no more. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#appengine.text(`kill -KILL ${this.#pid} 2>/dev/null; :`);
    await this.program[Symbol.asyncDispose]();
  }
}
