import { expect, test } from "vitest";
import type { RunState } from "../../reports/run-state.ts";
import { runApart } from "./testdata/run-apart.ts";
import { scenarioFolder, scenarioText } from "./testdata/scenario-folder.ts";

const SLOW = { timeout: 120_000 };
const SAYS_PID = "throw new Error(`pid ${process.pid}`);";
const PASSES = "expect(1).toBe(1);";

function shared(bodies: Readonly<Record<string, string>>, before = ""): string {
  const texts = Object.entries(bodies).map(([name, body]): [string, string] => [
    name,
    scenarioText(name, [body], { shares: "s", before: name === "c" ? before : "" }),
  ]);
  return scenarioFolder(Object.fromEntries(texts));
}

/** Verdicts of each attempt, with the message of its first failed check. */
function told({ scenarios }: RunState): Record<string, string[]> {
  return Object.fromEntries(
    [...scenarios.values()].map(({ name, attempts }) => [
      name,
      attempts.map(({ verdict, checks }) => {
        const [failure] = [...checks.values()].flatMap((check) => check.failure ?? []);
        return `${verdict ?? "none"} ${failure?.message ?? ""}`.trim();
      }),
    ]),
  );
}

test("scenarios of a share run in one process, in their order", SLOW, async () => {
  const { state } = await runApart(shared({ a: SAYS_PID, b: SAYS_PID }), "", { shares: ["s"] });
  const { a, b } = told(state);
  expect(a).toEqual([expect.stringMatching(/^failed Error: pid \d+$/)]);
  expect(b).toEqual(a);
});

test("those behind one that ends its process run in processes of their own", SLOW, async () => {
  const folder = shared({ a: PASSES, b: 'process.kill(process.pid, "SIGKILL");', c: PASSES });
  const ran = await runApart(folder, "", { shares: ["s"] });
  expect(told(ran.state)).toEqual({
    a: ["passed"],
    b: [expect.stringMatching(/^failed the worker ended \(SIGKILL\)/)],
    c: ["passed"],
  });
  expect(ran.state.failures).toEqual([]);
  expect(ran.exitCode).toBe(3);
});

test("a file that cannot be loaded takes its own scenario only", SLOW, async () => {
  const folder = shared(
    { a: PASSES, b: PASSES, c: PASSES },
    "if (inRun) throw new Error('this file is broken');",
  );
  const ran = await runApart(folder, "", { shares: ["s"] });
  expect(told(ran.state)).toEqual({
    a: ["passed"],
    b: ["passed"],
    c: [expect.stringMatching(/^failed .*this file is broken/)],
  });
  expect(ran.exitCode).toBe(1);
});

test("an error that nothing catches is that of the scenario that ran", SLOW, async () => {
  const floating =
    "void Promise.reject(new Error('floating')); await new Promise((r) => setTimeout(r, 50));";
  const ran = await runApart(shared({ a: PASSES, b: floating, c: PASSES }), "", { shares: ["s"] });
  const failuresOf = (name: string): string[] =>
    ran.state.scenarios
      .get(name)
      ?.attempts.at(-1)
      ?.failures.map(({ where }) => where) ?? [];
  expect(failuresOf("a")).toEqual([]);
  expect(failuresOf("b")).toContain("stray error");
  expect(failuresOf("c")).toEqual([]);
});
