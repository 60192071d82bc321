import type { ExitCode } from "../../reports/exit-codes.ts";
import type { Output } from "./output.ts";

export interface Argument {
  /** Syntax of the argument for commander: `<name>` required, `[name]` optional, `...` many. */
  readonly name: string;
  readonly summary: string;
}

export interface Option {
  /** Syntax of the option for commander: `--jobs <n>`; a value in `[]` may be left out. */
  readonly flags: string;
  readonly summary: string;
  /** True when the option may be given several times. */
  readonly many?: boolean;
}

/** A call of a command, as the command line has it. */
export interface Call {
  readonly args: Args;
  readonly signal: AbortSignal;
  readonly out: Output;
  /** The command table, for a command that tells of the others. */
  readonly commands?: readonly Command[];
}

/** One row of the command table, from which the parser and the help are made. */
export interface Command {
  readonly name: string;
  readonly summary: string;
  readonly args?: readonly Argument[];
  readonly options?: readonly Option[];
  readonly commands?: readonly Command[];
  /** True for a command that leaves a run below the working directory: old ones go after it. */
  readonly leavesRun?: boolean;
  /** Loads the command's file when it is called, and no other. */
  readonly run?: (call: Call) => Promise<ExitCode>;
}

/** Arguments and options of a call, typed as they are taken out. */
export class Args {
  readonly words: readonly string[];
  readonly #options: Readonly<Record<string, unknown>>;

  constructor(words: readonly string[], options: Readonly<Record<string, unknown>>) {
    this.words = words;
    this.#options = options;
  }

  /** The argument at this place, when it was given. */
  word(index: number): string | undefined {
    return this.words[index];
  }

  flag(name: string): boolean {
    return this.#options[name] === true;
  }

  text(name: string): string | undefined {
    const value = this.#options[name];
    return typeof value === "string" ? value : undefined;
  }

  /** The same, with values for options that were not given. */
  or(values: Readonly<Record<string, unknown>>): Args {
    const given = Object.entries(values).filter(([, value]) => value !== undefined);
    return new Args(this.words, { ...Object.fromEntries(given), ...this.#options });
  }

  has(name: string): boolean {
    return this.#options[name] !== undefined;
  }

  /** All values of an option that may come several times. */
  list(name: string): readonly string[] {
    const value = this.#options[name];
    return Array.isArray(value) ? value.map(String) : [];
  }
}
