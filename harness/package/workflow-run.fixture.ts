import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { data, Evaluator, Lexer, Parser } from "@actions/expressions";
import { Actions } from "./workflow-actions.fixture.ts";
import type { Ended } from "./installed-package.fixture.ts";

/** A step of a workflow, as far as the recipe uses it. */
interface Step {
  readonly id?: string;
  readonly if?: string;
  readonly run?: string;
  readonly uses?: string;
  readonly with?: Readonly<Record<string, string | number | boolean>>;
}

export interface Workflow {
  readonly jobs: Readonly<Record<string, { readonly steps: readonly Step[] }>>;
}

export interface JobResult {
  readonly folder: string;
  /** Output of its last command. */
  readonly stdout: string;
  /** Why steps failed. */
  readonly failed: readonly string[];
}

/**
 * A dry run of a workflow, step by step: each job has a folder of its own, expressions are evaluated by
 * GitHub's evaluator, commands run in the shell.
 */
export class WorkflowRun {
  readonly #workflow: Workflow;
  readonly #folder: string;
  readonly #actions: Actions;
  readonly #github: Readonly<Record<string, string>>;
  readonly #checkOut: (folder: string) => Promise<unknown>;
  readonly #sh: (script: string, folder: string) => Promise<Ended>;

  /** @param at.folder is that of all runs of the repository */
  constructor(
    workflow: Workflow,
    at: { readonly folder: string; readonly run: number },
    does: {
      readonly checkOut: (folder: string) => Promise<unknown>;
      readonly sh: (script: string, folder: string) => Promise<Ended>;
    },
  ) {
    this.#workflow = workflow;
    this.#folder = join(at.folder, `run-${at.run}`);
    this.#actions = new Actions(join(at.folder, "caches"), join(this.#folder, "artifacts"));
    this.#github = { run_id: String(at.run), run_attempt: "1" };
    this.#checkOut = does.checkOut;
    this.#sh = does.sh;
  }

  /** Do the steps of a job; behind one that fails only those that ask for `always()`. */
  async job(name: string, matrix: Readonly<Record<string, number>> = {}): Promise<JobResult> {
    const folder = join(this.#folder, [name, ...Object.values(matrix)].join("-"));
    mkdirSync(folder);
    const steps: Record<string, { outputs: Record<string, string> }> = {};
    const failed: string[] = [];
    let stdout = "";
    for (const step of this.#workflow.jobs[name]?.steps ?? []) {
      const contexts = { matrix, steps, github: this.#github };
      if (!isWanted(step.if, failed.length > 0, contexts)) continue;
      const ended = await this.#do(step, folder, (text) => filled(text, contexts)).catch(
        (error: unknown) => String(error),
      );
      if (typeof ended === "string") failed.push(ended);
      else {
        stdout = ended.stdout ?? stdout;
        if (step.id !== undefined) steps[step.id] = { outputs: ended.outputs };
      }
    }
    return { folder, stdout, failed };
  }

  async #do(
    step: Step,
    folder: string,
    fill: (text: string) => string,
  ): Promise<{ readonly outputs: Record<string, string>; readonly stdout?: string }> {
    if (step.run === undefined) {
      const { uses = "" } = step;
      if (uses.startsWith("actions/checkout@")) await this.#checkOut(folder);
      if (/^actions\/(checkout|setup-node)@/.test(uses)) return { outputs: {} };
      const given = Object.entries(step.with ?? {}).map(([key, value]) => [
        key,
        fill(String(value)),
      ]);
      const inputs = Object.fromEntries(given) as Record<string, string>;
      return { outputs: this.#actions.use(uses, inputs, folder) };
    }
    const file = join(folder, `.output-${step.id ?? ""}`);
    const { exitCode, stdout, stderr } = await this.#sh(
      `set -e; GITHUB_OUTPUT=${file}; export GITHUB_OUTPUT\n${fill(step.run)}`,
      folder,
    );
    if (exitCode !== 0) throw new Error(`${step.run}: exit ${exitCode}\n${stderr}`);
    return { outputs: existsSync(file) ? outputsOf(readFileSync(file, "utf8")) : {}, stdout };
  }
}

type Contexts = Readonly<Record<string, unknown>>;

/** A step without `always()` is one of a job that goes well. */
function isWanted(condition: string | undefined, hasFailed: boolean, contexts: Contexts): boolean {
  if (condition === undefined) return !hasFailed;
  const isAlways = condition.includes("always()");
  const result = evaluate(condition.replaceAll("always()", "true"), contexts);
  return (isAlways || !hasFailed) && result === "true";
}

const filled = (text: string, contexts: Contexts): string =>
  text.replaceAll(/\$\{\{(.*?)\}\}/g, (_, expression: string) => evaluate(expression, contexts));

function evaluate(expression: string, contexts: Contexts): string {
  const { tokens } = new Lexer(expression.trim()).lex();
  const tree = new Parser(tokens, Object.keys(contexts), []).parse();
  const values = JSON.parse(JSON.stringify(contexts), data.reviver) as data.Dictionary;
  return new Evaluator(tree, values).evaluate().coerceString();
}

/** Lines `name=value`, and `name<<END`, lines, `END`. */
function outputsOf(text: string): Record<string, string> {
  const pairs = text.matchAll(/^(\w+)(?:=(.*)|<<(\w+)\n([\s\S]*?)\n\3)$/gm);
  return Object.fromEntries(
    [...pairs].map(([, name = "", value, , block]) => [name, value ?? block ?? ""]),
  );
}
