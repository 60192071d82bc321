import { expect, test } from "vitest";
import { PvhError } from "../errors.ts";
import { parseConfig } from "./config.ts";

test("what is left out has its default", () => {
  expect(parseConfig({}, "pvh.config.ts")).toMatchObject({
    scenarios: ["scenarios/**/*.scenario.ts"],
    exports: [],
    matrix: false,
    target: {},
  });
});

test("one path is a list of one", () => {
  expect(parseConfig({ containers: "c", exports: ["a", "b"] }, "f")).toMatchObject({
    containers: ["c"],
    exports: ["a", "b"],
  });
});

test.each([
  [
    { scenario: "x" },
    /^f: scenario: there is no such key; expected scenarios, containers, .*runs$/,
  ],
  [{ target: { imag: "x" } }, /^f: target\.imag: there is no such key; expected image, profile/],
  [{ matrix: "yes" }, /^f: matrix: expected boolean, and it is 'yes'$/],
  [{ scenarios: 3 }, /^f: scenarios: expected a text, or a list of texts, and it is 3$/],
  [{ target: { profile: "loose" } }, /^f: target\.profile: expected one of "strict"\|.*'loose'$/],
  [{ timeouts: { check: -1 } }, /^f: timeouts\.check: Too small.*-1$/],
  [
    { runs: { keep: "few" } },
    /^f: runs\.keep: expected a number of runs, or "all", and it is 'few'$/,
  ],
  [undefined, /^f: its default export: expected object, and it is undefined$/],
  ["text", /^f: its default export: expected object, and it is 'text'$/],
])("%j is refused with file, key and what was expected", (value, says) => {
  expect(refusal(value).message).toMatch(says);
});

test("a wrong key is told with near names, and every problem has its line", () => {
  const error = refusal({ scenaros: "x", baseline: 1 });
  expect(error.message.split("\n")).toHaveLength(2);
  expect(error.message).toContain("f: scenaros");
  expect(error.message).toContain("f: baseline: expected string");
  expect(refusal({ container: "x" }).hint).toBe("did you mean containers?");
});

function refusal(value: unknown): PvhError {
  try {
    parseConfig(value, "f");
  } catch (error) {
    if (error instanceof PvhError && error.code === "PVH_USAGE") return error;
    throw error;
  }
  throw new Error("it was not refused");
}
