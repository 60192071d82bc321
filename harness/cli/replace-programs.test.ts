import { expect, test } from "vitest";
import { programBundles } from "../image/program-layer.ts";
import { changedPrograms, programsOfClone } from "./replace-programs.ts";
import type { Programs } from "./replace-programs.ts";

const programs = (texts: Readonly<Record<string, string>>): Programs =>
  new Map(
    Object.entries(texts).map(([path, text]) => [
      path,
      { content: Buffer.from(text), mode: 0o644 },
    ]),
  );

test("a program whose text differs has changed, with V8's code of it", () => {
  const before = programs({ "x/a.cjs": "1", "x/a.cache": "1", "x/b.cjs": "1", "x/b.cache": "1" });
  const after = programs({ "x/a.cjs": "2", "x/a.cache": "2", "x/b.cjs": "1", "x/b.cache": "2" });
  expect(changedPrograms(before, after)).toEqual(["x/a.cjs", "x/a.cache"]);
});

test("the clone makes the same programs twice, and none of their libraries", async () => {
  await using bundles = programBundles();
  await using others = programBundles();
  const one = await programsOfClone(bundles);
  for (const again of [bundles, others]) {
    expect(changedPrograms(one, await programsOfClone(again))).toEqual([]);
  }
  expect([...one.keys()]).toContain("usr/lib/pvh/pv-xconnect.cjs");
  expect([...one.keys()].filter((path) => path.endsWith(".node"))).toEqual([]);
});
