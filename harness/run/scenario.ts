import { afterAll, beforeAll, describe, inject, test } from "vitest";
import type { RunnerTestCase } from "vitest";
import { PvhError } from "../errors.ts";
import { boot } from "./booter.ts";
import { isRow } from "../catalogue/catalogue.ts";
import { openCollector } from "./collector.ts";
import { ownEngine } from "./engine-slots.ts";
import type { Verdict } from "../../reports/events.ts";
import { ScenarioSession } from "./scenario-session.ts";
import { propertyOf } from "../thrown.ts";
import type {
  CheckDefinition,
  ScenarioDefinition,
  ScenarioOptions,
  ScenarioTools,
} from "./scenario-definition.ts";

/**
 * Declare the scenario of a `scenarios/<suite>/<name>.scenario.ts`.
 *
 * One appengine is booted for all its checks, which run in order; each gets what it needs as
 * its argument:
 * ```ts
 * scenario("unix-half-close", {
 *   summary: "EOF passes the broker in both directions",
 *   containers: ["pv-example-unix-server", "pv-example-unix-client"],
 * }, ({ check }) => {
 *   check("unix.half-close.to-provider", "EOF reaches the provider", async ({ inside }) => { … });
 * });
 * ```
 * @throws PvhError PVH_BAD_SCENARIO without a summary or a check, and for a check that is no row
 * of the catalogue or comes twice
 */
export function scenario(
  name: string,
  options: ScenarioOptions,
  declare: (tools: ScenarioTools) => void,
): void {
  // Types do not hold in a file that is run without being checked.
  if (typeof propertyOf(options, "summary") !== "string") {
    throw new PvhError("PVH_BAD_SCENARIO", `scenario ${name} has no summary`);
  }
  const definition: ScenarioDefinition = { name, options, checks: checksOf(name, declare) };
  const collector = openCollector();
  if (collector === undefined) register(definition);
  else collector.definitions.push(definition);
}

/** Declares the checks of the scenario whose declaration runs. */
let declaring: ScenarioTools["check"] | undefined;

/**
 * Declare a check of the scenario whose function runs: the same as the argument `check` of that function.
 * @throws PvhError PVH_BAD_SCENARIO outside of a scenario
 */
export const check: ScenarioTools["check"] = (id, ...rest) => {
  if (declaring === undefined) {
    throw new PvhError("PVH_BAD_SCENARIO", `check '${id}' stands outside of a scenario`, {
      hint: "call it in the function that scenario() is given",
    });
  }
  declaring(id, ...rest);
};

function checksOf(
  scenarioName: string,
  declare: (tools: ScenarioTools) => void,
): readonly CheckDefinition[] {
  const checks = new Map<string, CheckDefinition>();
  const tools: ScenarioTools = {
    check(id, title, body, options = {}) {
      const wrong = wrongWith(id, title, openCollector()?.onlyRows === true);
      if (wrong !== undefined || checks.has(id)) {
        const what = `check '${id}' ${wrong ?? "comes twice"}`;
        throw new PvhError("PVH_BAD_SCENARIO", `scenario ${scenarioName}: ${what}`, {
          hint: "the rows are in fixtures/catalogue.json",
        });
      }
      checks.set(id, { id, title, body, options });
    },
  };
  const outer = declaring;
  declaring = tools.check;
  try {
    declare(tools);
  } finally {
    declaring = outer;
  }
  if (checks.size === 0) {
    throw new PvhError("PVH_BAD_SCENARIO", `scenario ${scenarioName} has no check`);
  }
  return [...checks.values()];
}

/** @returns why there can be no such check */
function wrongWith(id: unknown, title: unknown, onlyRows: boolean): string | undefined {
  if (typeof id !== "string" || !CHECK_ID.test(id)) {
    return "has no usable id: up to 1,000 letters, digits, '.', '_' and '-', as in unix.half-close";
  }
  if (typeof title !== "string" || title.trim() === "") return "has no sentence of what it shows";
  return onlyRows && !isRow(id) ? "is no row of the catalogue" : undefined;
}

/** As long as a record may have it. */
const CHECK_ID = /^[A-Za-z0-9][\w.-]{0,999}$/;

/** vitest runs it: sequence, cancellation and watch mode are its; deadlines are ours. */
function register(definition: ScenarioDefinition): void {
  const engine = ownEngine();
  const settings = { ...inject("pvh"), ...(engine !== undefined && { engine }) };
  const session = new ScenarioSession(definition, settings, boot);
  const undecided = new Map<CheckDefinition, RunnerTestCase>();
  /** vitest's result of a check is final after its hooks: when the next check begins. */
  const tellResults = (): void => {
    for (const [check, { result }] of undecided) {
      const state = result === undefined ? undefined : STATES[result.state];
      if (state === undefined) continue;
      undecided.delete(check);
      // A skip, or a try that went better, forgets what had failed before.
      const errors = result?.attempts?.flatMap((attempt) => attempt.errors ?? []) ?? [];
      session.frameworkFinished(check, errors.length > 0 ? "failed" : state, [
        ...(result?.errors ?? []),
        ...errors,
      ]);
    }
  };
  describe(definition.name, () => {
    afterAll(async () => {
      tellResults();
      await session.end();
    }, 0);
    beforeAll(() => session.begin(), 0);
    for (const check of session.checks) {
      test(`${check.id}: ${check.title}`, async ({ skip, task }) => {
        tellResults();
        undecided.set(check, task);
        const reason = await session.run(check);
        if (reason !== undefined) skip(reason);
      }, 0);
    }
  });
}

const STATES: Readonly<Record<string, Verdict>> = {
  pass: "passed",
  fail: "failed",
  skip: "skipped",
};
