import { expect, test } from "vitest";
import { reproCommand } from "./repro-command.ts";
import { emptyRun } from "./run-state.ts";

function commandOf(profile: string, command: readonly string[]): string {
  const state = emptyRun();
  state.started = {
    type: "run.started",
    t: 1,
    run: "r",
    command,
    image: "i",
    profile,
    quirks: ["no-half-close"],
    selected: [],
    seed: 7,
    host: { name: "h", kernel: "k", node: "n" },
  };
  return reproCommand(state, "unix-half-close~3");
}

test("an imported test is named by its directory, with the flags that it ran with", () => {
  const state = emptyRun();
  state.started = {
    type: "run.started",
    t: 1,
    run: "r",
    command: ["import", "/x", "--normalise", "--record", "--tarballs=/t"],
    image: "i",
    profile: "strict",
    quirks: [],
    selected: [],
    seed: 0,
    host: { name: "h", kernel: "k", node: "n" },
  };
  const [name, file] = ["a-b-c", "/x/a/b/c/test.json"];
  state.scenarios.set(name, { name, suite: "import", summary: "", file, attempts: [] });
  expect(reproCommand(state, name)).toBe("npx pvh import /x/a/b/c --normalise --tarballs=/t");
});

test("what failed is done again as it was, with the profile that it was judged under", () => {
  expect(commandOf("compat", ["run", "--profile=compat", "--boot=manual"])).toBe(
    "npx pvh scenario unix-half-close --profile=compat --quirk=no-half-close --boot=manual --seed=7",
  );
  const flags = [
    "--broker=reference",
    "--boot=auto",
    "--timeout-scale=3",
    "--retries=2",
    "--jobs=6",
  ];
  expect(commandOf("strict", ["run", "boot", ...flags])).toBe(
    "npx pvh scenario unix-half-close --quirk=no-half-close --broker=reference --boot=auto --timeout-scale=3 --retries=2 --jobs=6 --seed=7",
  );
  expect(commandOf("native", ["run", "--image=a b"])).toBe(
    "npx pvh scenario unix-half-close '--image=a b' --quirk=no-half-close --seed=7",
  );
});
