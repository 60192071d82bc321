import { describe, expect, test } from "vitest";
import { PvhError } from "../errors.ts";
import { COMMANDS } from "./commands.ts";
import type { Command } from "./command.ts";
import { runProgram } from "./program.ts";
import { describeError } from "./report-error.ts";

async function pvh(...words: string[]) {
  const data: string[] = [];
  const said: string[] = [];
  const out = { data: (text: string) => data.push(text), say: (text: string) => said.push(text) };
  const signal = new AbortController().signal;
  try {
    return { exitCode: await runProgram(words, out, signal), data: data.join("\n"), said };
  } catch (error) {
    const { exitCode, text } = describeError(error, undefined);
    return { exitCode, data: data.join("\n"), said: [...said, text] };
  }
}

test("pvh alone lists the scenarios on stdout", async () => {
  const { exitCode, data } = await pvh();
  expect(exitCode).toBe(0);
  expect(data).toMatch(/^unix-half-close +unix +\d+ +EOF/m);
});

test("ls --json lists what a program needs to know", async () => {
  const { data } = await pvh("ls", "unix-half-close", "--json");
  const listed: unknown = JSON.parse(data);
  expect(listed).toMatchObject([
    {
      name: "unix-half-close",
      suite: "unix",
      tags: [],
      requires: [],
      file: "scenarios/unix/unix-half-close.scenario.ts",
    },
  ]);
});

test("--version is the package's", async () => {
  const { exitCode, data } = await pvh("--version");
  expect(exitCode).toBe(0);
  expect(data).toMatch(/^\d+\.\d+\.\d+$/);
});

test("ls of nothing exits 4", async () => {
  expect((await pvh("ls", "nothing-*")).exitCode).toBe(4);
});

test("coverage knows every row of the catalogue", async () => {
  const { data } = await pvh("coverage", "--json");
  const { rows } = JSON.parse(data) as { rows: { id: string; scenarios: string[] }[] };
  const row = rows.find(({ id }) => id === "unix.half-close.to-provider");
  expect(row?.scenarios).toEqual(["unix-half-close"]);
});

describe("a command line that means nothing exits 2 with a hint", () => {
  test.each([
    [["sls"], "did you mean ls"],
    [["scenario"], "pvh scenario --help"],
    [["scenario", "dbus-rolse"], "did you mean dbus-roles"],
    [["run", "--jbos", "2"], "pvh run --help"],
    [["run", "--jobs", "0"], "whole number from 1"],
    [["run", "--jobs", "1e3"], "whole number from 1"],
    [["run", "--timeout-scale", "-1"], "above 0"],
    [["run", "--timeout-scale", ""], "above 0"],
    [["run", "--timeout-scale", "100000"], "1000 at most"],
    [["run", "--repeat", "5000000000"], "whole number from 1 to 10000"],
    [["run", "--keep", "allways"], "did you mean always"],
    [["run", "--boot", "warm"], "must be one of auto, manual"],
    [["run", "--profile", "loose"], "strict, compat"],
    [["run", "--profile", "compat", "--image", "x"], "reference appengine only"],
    [["run", "--quirk", "no-such-quirk"], "not a quirk"],
    [["run", "type:dbsu"], "did you mean dbus"],
    [["run", "(", "unix-*"], "a ) is missing"],
    [["mutants", "no-such"], "not the name of a scenario"],
    [["graph", "demo", "--ctrl", "/run/pv-ctrl"], "pvh graph --help"],
    [["engine", "sttop"], "did you mean stop"],
    [["exports"], "needs a command: make, lint"],
    [["exports", "mkae"], "'mkae' is not a command of pvh exports"],
    [["exports", "lnit", "x"], "did you mean lint"],
    [["up", "a b"], "'a b' is not a valid name of a container"],
    [["up", "../x"], "letter or digit"],
    [["ctl", "GET", "/a b"], "'/a b' is not a path of pv-ctrl"],
    [["ctl", "GET /", "/"], "'GET /' is not an HTTP method"],
  ])("%j", async (words, hint) => {
    const { exitCode, said, data } = await pvh(...words);
    expect(exitCode).toBe(2);
    expect(said.join("\n")).toContain(hint);
    expect(data).toBe("");
  });
});

test("every command has a summary, and help of its own", async () => {
  const names = (commands: readonly Command[], before: readonly string[]): string[][] =>
    commands.flatMap((command) => [
      [...before, command.name],
      ...names(command.commands ?? [], [...before, command.name]),
    ]);
  for (const words of names(COMMANDS, [])) {
    const { exitCode, data } = await pvh(...words, "--help");
    expect(exitCode).toBe(0);
    expect(data).toContain(`Usage: pvh ${words.join(" ")}`);
  }
});

describe("an error is said once, with its hint", () => {
  test.each([
    [new PvhError("PVH_IMAGE_MISSING", "image x is not there", { hint: "pvh build" }), 3],
    [new PvhError("PVH_BAD_EXPORT", "x.tgz is cut"), 2],
    [new PvhError("PVH_NEVER_READY", "no"), 6],
    [new PvhError("PVH_CONTROL", "no answer"), 1],
    [new PvhError("PVH_INTERNAL", "odd"), 70],
    [new TypeError("x is not a function"), 70],
  ])("%s", (error, exitCode) => {
    const described = describeError(error, undefined);
    expect(described.exitCode).toBe(exitCode);
    expect(described.text.split(error.message).length).toBe(2);
  });

  test("the hint follows on a line of its own", () => {
    const error = new PvhError("PVH_IMAGE_MISSING", "image x is not there", { hint: "pvh build" });
    expect(describeError(error, undefined).text).toMatch(/\n {2}-> pvh build$/);
  });

  test("a signal decides the exit code of whatever it cut short", () => {
    const error = new PvhError("PVH_ABORTED", "cancelled");
    expect(describeError(error, "SIGINT").exitCode).toBe(130);
    expect(describeError(error, "SIGTERM").exitCode).toBe(143);
    expect(describeError(error, "SIGHUP").exitCode).toBe(129);
  });

  test("bytes of a container in a message do not act", () => {
    const { text } = describeError(new PvhError("PVH_CONTROL", "a\u001b]0;x\u0007b"), undefined);
    expect(text).toContain("ab [PVH_CONTROL]");
  });
});
