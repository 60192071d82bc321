import type { TestCase, TestModule, TestResult, TestSuite } from "vitest/node";
import { failureOf, toFailure } from "../failure.ts";
import type { Failure, Verdict } from "../../reports/events.ts";
import type { FrameworkView } from "./scenario-judge.ts";
import { messageOfThrown, propertyOf, textOf } from "../thrown.ts";

const STATES: Readonly<Record<TestResult["state"], Verdict | "pending">> = {
  passed: "passed",
  failed: "failed",
  skipped: "skipped",
  pending: "pending",
};

/**
 * vitest's results of a scenario, and what went wrong in its file outside of its checks.
 * @param others scenarios that run in the same process
 */
export function viewOf(
  module: TestModule,
  scenario: string,
  others: readonly string[] = [],
): FrameworkView {
  const checks = new Map<string, { state: Verdict | "pending"; failures: readonly Failure[] }>();
  const outside: Failure[] = module.errors().map(inFile);
  const isOfOther = (entity: TestSuite | TestCase): boolean => {
    const { parent } = entity;
    if (parent.type === "suite") return isOfOther(parent);
    return entity.type === "suite" && others.includes(entity.name);
  };
  for (const suite of module.children.allSuites()) {
    if (isOfOther(suite)) continue;
    outside.push(...suite.errors().map((error) => inHook(suite.name, error)));
  }
  for (const test of module.children.allTests()) {
    if (isOfOther(test)) continue;
    const { state, errors = [] } = test.result();
    const failures = errors.map(toFailure);
    const { parent, name, fullName } = test;
    if (parent.type === "suite" && parent.name === scenario) {
      const [id = name] = name.split(": ", 1);
      checks.set(id, { state: STATES[state], failures });
    } else if (state === "failed") {
      const [failure = failureOf("PVH_SCENARIO", "it failed")] = failures;
      outside.push({ ...failure, message: `test '${fullName}': ${failure.message}` });
    }
  }
  return { checks, outside };
}

function inFile(error: unknown): Failure {
  const failure = toFailure(error);
  const at = failure.stack?.trim().split("\n")[0];
  const where = at === undefined ? "" : ` (${at})`;
  return { ...failure, message: `its file cannot be loaded: ${failure.message}${where}` };
}

function inHook(suite: string, error: unknown): Failure {
  const failure = toFailure(error);
  return { ...failure, message: `a hook of '${suite}': ${failure.message}` };
}

/** Errors that vitest hands over because nothing caught them. */
export class UnhandledErrors {
  #errors: unknown[] = [];

  add(error: unknown): void {
    this.#errors.push(error);
  }

  /** Those of this file; they are not given again. */
  take(file: string): Failure[] {
    const mine = this.#errors.filter((error) => isOf(error, file));
    this.#errors = this.#errors.filter((error) => !mine.includes(error));
    // The end of a process is seen without vitest.
    return mine.filter((error) => !isOfPool(error)).map(uncaught);
  }

  /** All that belong to no file. */
  takeRest(): Failure[] {
    return this.#errors.splice(0).map(uncaught);
  }
}

function uncaught(error: unknown): Failure {
  const failure = toFailure(error);
  return { ...failure, message: `uncaught error: ${failure.message}` };
}

function isOf(error: unknown, file: string): boolean {
  const path = textOf(error, "VITEST_TEST_PATH");
  if (path !== undefined) return path === file;
  const cause = propertyOf(error, "cause");
  return `${messageOfThrown(error)}\n${messageOfThrown(cause)}`.includes(file);
}

function isOfPool(error: unknown): boolean {
  return messageOfThrown(error).startsWith("[vitest-pool]");
}
