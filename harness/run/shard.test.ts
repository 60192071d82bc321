import fc from "fast-check";
import { expect, test } from "vitest";
import { readShard, shardOf } from "./shard.ts";

const one = (name: string, shares?: string) => ({
  scenario: { name, ...(shares !== undefined && { shares }) },
});

test("every scenario is in exactly one shard, in its order, and shares stay together", () => {
  const names = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 4 }), { maxLength: 30 });
  fc.assert(
    fc.property(
      names,
      fc.array(fc.constantFrom(undefined, "a", "b")),
      fc.integer({ min: 1, max: 6 }),
      fc.array(fc.integer({ min: 0, max: 1e6 })),
      (all, shares, count, times) => {
        const selected = all.map((name, at) => one(name, shares[at]));
        const former = { scenarios: new Map(times.map((ms, at) => [all[at] ?? "none", ms])) };
        const parts = Array.from({ length: count }, (_, at) =>
          shardOf(selected, { index: at + 1, count }, former),
        );
        expect(new Set(parts.flat())).toEqual(new Set(selected));
        expect(parts.flat()).toHaveLength(selected.length);
        for (const part of parts) {
          expect(part).toEqual(selected.filter((one) => part.includes(one)));
        }
        for (const share of ["a", "b"]) {
          const holding = parts.filter((part) => part.some((s) => s.scenario.shares === share));
          expect(holding.length).toBeLessThanOrEqual(1);
        }
      },
    ),
  );
});

test("shards take about as long as each other", () => {
  const scenarios = new Map([
    ["long", 60_000],
    ["b", 30_000],
    ["c", 20_000],
    ["d", 10_000],
  ]);
  const selected = ["b", "c", "d", "long"].map((name) => one(name));
  const names = (index: number) =>
    shardOf(selected, { index, count: 2 }, { scenarios }).map((s) => s.scenario.name);
  expect(names(1)).toEqual(["long"]);
  expect(names(2)).toEqual(["b", "c", "d"]);
});

test("a shard is given, or comes from GitLab's or Kubernetes' environment", () => {
  expect(readShard("2/3", {})).toEqual({ index: 2, count: 3 });
  expect(readShard("auto", { CI_NODE_INDEX: "3", CI_NODE_TOTAL: "3" })).toEqual({
    index: 3,
    count: 3,
  });
  expect(readShard("auto", { JOB_COMPLETION_INDEX: "0", JOB_COMPLETIONS: "4" })).toEqual({
    index: 1,
    count: 4,
  });
});

test.each([
  ["0/3", {}],
  ["4/3", {}],
  ["1/0", {}],
  ["1", {}],
  ["a/b", {}],
  ["1/100000", {}],
  ["auto", {}],
  ["auto", { CI_NODE_INDEX: "2" }],
  ["auto", { CI_NODE_INDEX: "x", CI_NODE_TOTAL: "3" }],
  ["auto", { JOB_COMPLETION_INDEX: "3", JOB_COMPLETIONS: "3" }],
])("--shard %s in %j is refused", (text, env) => {
  expect(() => readShard(text, env)).toThrow(/shard|SHARD|CI_NODE|JOB_/);
});
