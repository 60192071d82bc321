import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { sourceTexts } from "./source-texts.ts";
import { SourceWatch } from "./source-watch.ts";

function clone(): string {
  const root = mkdtempSync(join(tmpdir(), "watch-"));
  mkdirSync(join(root, "scenarios/unix"), { recursive: true });
  mkdirSync(join(root, "broker"));
  writeFileSync(join(root, "scenarios/unix/a.scenario.ts"), "1");
  return root;
}

/** Nothing happens for longer than a change takes to settle. */
const still = (): AbortSignal => AbortSignal.timeout(400);
const soon = (): AbortSignal => AbortSignal.timeout(20_000);

test("a file that changes, comes or goes is told once, with all that changed at that time", async () => {
  const root = clone();
  const files = new SourceWatch(root, ["scenarios", "broker", "nowhere"]);
  const next = files.next(soon());
  writeFileSync(join(root, "scenarios/unix/a.scenario.ts"), "2");
  writeFileSync(join(root, "broker/new.ts"), "1");
  expect(await next).toEqual(["broker/new.ts", "scenarios/unix/a.scenario.ts"]);
  expect(await files.next(still())).toEqual([]);
  const gone = files.next(soon());
  rmSync(join(root, "broker/new.ts"));
  expect(await gone).toEqual(["broker/new.ts"]);
  files.close();
});

test("a change between two waits is told by the second", async () => {
  const root = clone();
  const files = new SourceWatch(root, ["scenarios"]);
  writeFileSync(join(root, "scenarios/unix/a.scenario.ts"), "2");
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(await files.next(soon())).toEqual(["scenarios/unix/a.scenario.ts"]);
  files.close();
});

test("what an editor writes beside a file is no change", async () => {
  const root = clone();
  const files = new SourceWatch(root, ["scenarios"]);
  const next = files.next(still());
  for (const name of [".a.ts.swp", "a.scenario.ts~", "4913", ".#a.ts"]) {
    writeFileSync(join(root, "scenarios/unix", name), "x");
  }
  expect(await next).toEqual([]);
  files.close();
});

test("the texts are those of the modules, wherever there are any", () => {
  const root = clone();
  writeFileSync(join(root, "broker/b.ts"), "b");
  writeFileSync(join(root, "broker/b.py"), "b");
  expect(sourceTexts(root)).toEqual(
    new Map([
      ["broker/b.ts", "b"],
      ["scenarios/unix/a.scenario.ts", "1"],
    ]),
  );
});
