import { beforeAll, describe, expect, test } from "vitest";
import { exitCodeOf } from "../../reports/exit-code.ts";
import { junitReport } from "../../reports/junit.ts";
import { foldRun, lastAttempt } from "../../reports/run-state.ts";
import type { AttemptState } from "../../reports/run-state.ts";
import { junitFailures, runApart } from "./testdata/run-apart.ts";
import type { Ran } from "./testdata/run-apart.ts";
import { CHECKS, scenarioFolder, scenarioText } from "./testdata/scenario-folder.ts";

const [, SECOND] = CHECKS;
const PASSES = "expect(1).toBe(1);";

interface Fault {
  readonly bodies: readonly string[];
  readonly before?: string;
  readonly options?: string;
  /** Verdicts of its checks, in order. */
  readonly verdicts: readonly string[];
  /** Message of the failure in the record. */
  readonly says: RegExp;
  /** Exit code of a run with this fault alone. */
  readonly exit: number;
}

/** Faults that only the framework sees: pvh's own record of the check says passed. */
const FRAMEWORK: Readonly<Record<string, Fault>> = Object.fromEntries(
  Object.entries({
    "soft-assertion": "expect.soft(1).toBe(2);",
    "too-few-assertions": "expect.assertions(2); expect(1).toBe(1);",
    "no-assertion": "expect.hasAssertions();",
    "throwing-finish-hook": "onTestFinished(() => { throw new Error('in the hook'); });",
    "un-awaited-poll": "expect.poll(() => 1, { timeout: 100 }).toBe(2);",
    "un-awaited-resolves": "expect(Promise.resolve(1)).resolves.toBe(2);",
    "soft-poll":
      "await expect.poll(() => 1, { timeout: 50 }).toBe(2).catch(() => expect.soft(1).toBe(2));",
    "unreachable-skipped": "expect.soft(1).toBe(2); skip('a skip hides nothing');",
  }).map(([name, body]): [string, Fault] => [
    name,
    { bodies: [body, PASSES], verdicts: ["failed", "passed"], says: /./, exit: 1 },
  ]),
);

const thrown = (what: string): Fault => ({
  bodies: [`throw ${what};`, PASSES],
  verdicts: ["failed", "passed"],
  says: /./,
  exit: 1,
});

const THROWN: Readonly<Record<string, Fault>> = {
  "throws-proxy": thrown(
    "new Proxy({}, { get() { throw new Error('get'); }, getPrototypeOf() { throw new Error('proto'); } })",
  ),
  "throws-revoked": thrown(
    "(() => { const { proxy, revoke } = Proxy.revocable({}, {}); revoke(); return proxy; })()",
  ),
  "throws-null-prototype": thrown("Object.create(null)"),
  "throws-bad-getter": thrown(
    "Object.defineProperty(new Error('x'), 'message', { get() { throw new Error('m'); } })",
  ),
  "throws-bad-string": thrown(
    "{ toString() { throw new Error('s'); }, toJSON() { throw new Error('j'); } }",
  ),
  "throws-symbol": thrown("Symbol('s')"),
  "throws-undefined": thrown("undefined"),
  "throws-huge": thrown("'x'.repeat(2 ** 28)"),
  "throws-cycle": thrown(
    "(() => { const error = new AggregateError([], 'c'); error.errors.push(error); error.cause = error; return error; })()",
  ),
  "throws-type-error": {
    ...thrown("new TypeError('x is not a function')"),
    says: /PVH_SCENARIO.*TypeError: x is not a function/,
  },
};

const STRAY: Readonly<Record<string, Fault>> = {
  "floating-rejection": {
    bodies: [
      "void Promise.reject(new Error('floating'));",
      "await new Promise((r) => setTimeout(r, 50));",
    ],
    verdicts: ["passed", "passed"],
    says: /stray error.*floating/,
    exit: 1,
  },
  "floating-proxy": {
    bodies: [
      "void Promise.reject(Object.create(null));",
      "await new Promise((r) => setTimeout(r, 50));",
    ],
    verdicts: ["passed", "passed"],
    says: /stray error/,
    exit: 1,
  },
  "error-in-timer": {
    bodies: [
      "setTimeout(() => { throw new Error('in a timer'); }, 5);",
      "await new Promise((r) => setTimeout(r, 50));",
    ],
    verdicts: ["passed", "passed"],
    says: /stray error.*in a timer/,
    exit: 1,
  },
  "late-rejection": {
    bodies: [PASSES, "setTimeout(() => void Promise.reject(new Error('late')), 1);"],
    before: "if (inRun) afterAll(() => new Promise((r) => setTimeout(r, 50)));",
    verdicts: ["passed", "passed"],
    says: /stray error.*late/,
    exit: 1,
  },
  "top-level-rejection": {
    bodies: [PASSES],
    before: "if (inRun) setTimeout(() => void Promise.reject(new Error('top level')), 0);",
    verdicts: ["passed"],
    says: /top level/,
    exit: 1,
  },
  "sends-garbage": {
    bodies: [
      `for (const one of [{ hello: 1 }, "x", null, 7, { t: "q" }, { t: "s" }, { t: "q", m: "no", i: 1, a: [] }]) process.send(one);
       throw new Error("after garbage");`,
      PASSES,
    ],
    verdicts: ["failed", "passed"],
    says: /after garbage/,
    exit: 1,
  },
  "swallowed-exit": {
    bodies: ["try { process.exit(0); } catch { /* goes on */ }", PASSES],
    verdicts: ["passed", "passed"],
    says: /stray error.*process.exit\(0\) was called/,
    exit: 1,
  },
};

const DEATHS: Readonly<Record<string, Fault>> = {
  "calls-exit": {
    ...thrown("process.exit(3)"),
    verdicts: ["failed", "passed"],
    says: /process.exit/,
  },
  ...Object.fromEntries(
    Object.entries({
      "really-exits": ["process.reallyExit(3);", "exit 3", 1],
      "really-exits-0": ["process.reallyExit(0);", "exit 0", 1],
      aborts: ["process.abort();", "SIGABRT", 1],
      crashes: ["process.kill(process.pid, 'SIGSEGV'); await new Promise(() => {});", "SIGSEGV", 1],
      "is-killed": [
        "process.kill(process.pid, 'SIGKILL'); await new Promise(() => {});",
        "SIGKILL",
        3,
      ],
    } as const).map(([name, [body, how, exit]]): [string, Fault] => [
      name,
      {
        bodies: [PASSES, body, PASSES],
        verdicts: ["passed", "failed", "failed"],
        says: new RegExp(`the worker ended \\(${how}\\) during ${SECOND}`),
        exit,
      },
    ]),
  ),
};

const BLOCKED: Readonly<Record<string, Fault>> = {
  "never-yields": {
    bodies: [PASSES, "for (;;);", PASSES],
    options: ", { timeout: 300 }",
    verdicts: ["passed", "failed", "failed"],
    says: new RegExp(`${SECOND} did not end by its deadline of 300 ms`),
    exit: 124,
  },
  "blocks-set-up": {
    bodies: [PASSES],
    before: "if (inRun) beforeAll(() => { for (;;); });",
    verdicts: ["failed"],
    says: /PVH_DEADLINE/,
    exit: 124,
  },
  "blocks-tear-down": {
    bodies: [PASSES],
    before: "if (inRun) afterAll(() => { for (;;); });",
    verdicts: ["passed"],
    says: /tear-down/,
    exit: 124,
  },
  "hangs-at-its-end": {
    bodies: [PASSES],
    before: "if (inRun) afterAll(() => { setTimeout(() => { for (;;); }, 0); });",
    verdicts: ["passed"],
    says: /tear-down/,
    exit: 124,
  },
  "fakes-timers": {
    bodies: ["vi.useFakeTimers();", "await new Promise(() => {});"],
    options: ", { timeout: 300 }",
    verdicts: ["passed", "failed"],
    says: /took longer than 300 ms/,
    exit: 1,
  },
};

const HOOKS: Readonly<Record<string, Fault>> = {
  "after-each-throws": {
    bodies: [PASSES, PASSES],
    before: "if (inRun) afterEach(() => { throw new Error('after each'); });",
    verdicts: ["failed", "failed"],
    says: /after each/,
    exit: 1,
  },
  "after-all-throws": {
    bodies: [PASSES],
    before: "if (inRun) afterAll(() => { throw new Error('after all'); });",
    verdicts: ["passed"],
    says: /after all/,
    exit: 1,
  },
  "before-all-throws": {
    bodies: [PASSES],
    before: "if (inRun) beforeAll(() => { throw new Error('before all'); });",
    verdicts: ["failed"],
    says: /before all/,
    exit: 1,
  },
  "foreign-test-fails": {
    bodies: [PASSES],
    before: "if (inRun) test('of its own', () => { expect(1).toBe(2); });",
    verdicts: ["passed"],
    says: /test 'of its own'/,
    exit: 1,
  },
  "only-another": {
    bodies: [PASSES],
    before: "if (inRun) test.only('the only one', () => undefined);",
    verdicts: ["failed"],
    says: /./,
    exit: 1,
  },
};

const FAULTS = { ...FRAMEWORK, ...THROWN, ...STRAY, ...DEATHS, ...BLOCKED, ...HOOKS };

function attemptOf({ state }: Ran, name: string): AttemptState {
  const scenario = state.scenarios.get(name);
  if (scenario === undefined) throw new Error(`${name} is not in the record`);
  return lastAttempt(scenario);
}

describe("a fault takes one scenario only", () => {
  let ran: Ran;
  beforeAll(async () => {
    const files = Object.entries(FAULTS).map(([name, { bodies, ...rest }]): [string, string] => [
      name,
      scenarioText(name, bodies, rest),
    ]);
    const well = scenarioText("well", [PASSES, "skip('not here');"]);
    const folder = scenarioFolder({ ...Object.fromEntries(files), well });
    const patience = { load: 20_000, blocked: 2_000, grace: 1_000, exit: 3_000 };
    ran = await runApart(folder, "", { patience, jobs: 3 });
  }, 400_000);

  test.each(Object.keys(FAULTS))("%s", (name) => {
    const { verdicts, says, exit } = FAULTS[name] ?? {};
    const attempt = attemptOf(ran, name);
    const failures = [
      ...[...attempt.checks.values()].map(({ failure }) => ({ where: "", failure })),
      ...attempt.failures,
    ];
    const told = failures
      .map(({ where, failure }) => `${where} ${failure?.code ?? ""} ${failure?.message ?? ""}`)
      .join("\n");
    expect(
      [...attempt.checks.values()].map(({ verdict }) => verdict),
      told,
    ).toEqual(verdicts);
    expect(told).toMatch(says ?? /^$/);
    expect(attempt.verdict).toBe("failed");
    const alone = foldRun(
      ran.events.filter((event) => !("scenario" in event) || event.scenario === name),
    );
    expect(exitCodeOf(alone)).toBe(exit);
    expect(junitFailures(junitReport(alone, "x"))).toBeGreaterThan(0);
    expect(ran.closing).toContain(name);
    expect(ran.junit).toContain(`<testsuite name="${name}"`);
  });

  test("the others keep their verdicts, and every report is there", () => {
    const well = [...attemptOf(ran, "well").checks.values()];
    expect(well.map(({ verdict }) => verdict)).toEqual(["passed", "skipped"]);
    expect(ran.state.failures).toEqual([]);
    expect(ran.exitCode).toBe(1);
    expect(ran.summary.exitCode).toBe(1);
    expect(junitFailures(ran.junit)).toBeGreaterThan(Object.keys(FAULTS).length);
    for (const { file } of ran.state.scenarios.values()) expect(file).toMatch(/\.scenario\.ts$/);
  });
});
