import { expect, test } from "vitest";
import { createOutput } from "./output.ts";
import { silent } from "./silent-output.quirk.ts";

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

function recording() {
  const written: [fd: number, text: string][] = [];
  return { written, output: createOutput((fd, text) => written.push([fd, text])) };
}

test("the lines of one turn are written together, and without being asked to", async () => {
  const { written, output } = recording();
  output.log("one");
  output.log("two");
  expect(written).toEqual([]);
  await turn();
  output.log("three");
  await turn();
  expect(written).toEqual([
    [1, "one\ntwo\n"],
    [1, "three\n"],
  ]);
});

test("a warning comes behind what was said before it", () => {
  const { written, output } = recording();
  output.log("one");
  output.warn("two");
  expect(written).toEqual([
    [1, "one\n"],
    [2, "two\n"],
  ]);
});

test("no write of several lines is longer than what a pipe takes whole", async () => {
  const { written, output } = recording();
  const lines = Array.from({ length: 100 }, (_, index) => `${index} ${"x".repeat(100)}`);
  for (const line of lines) output.log(line);
  await turn();
  expect(written.every(([, text]) => text.length <= 4096)).toBe(true);
  expect(written.map(([, text]) => text).join("")).toBe(`${lines.join("\n")}\n`);
});

test("a line stays one line", () => {
  const { written, output } = recording();
  output.warn("a\nb\0c");
  expect(written).toEqual([[2, "a?b?c\n"]]);
});

test("a line stays one line for readers of Unicode, and tells no terminal anything", () => {
  const { written, output } = recording();
  output.warn("a\u0085b\u2028c\u2029d\u009b2Je é");
  expect(written).toEqual([[2, "a?b?c?d?2Je é\n"]]);
});

test("under the quirk xconnect-silent nothing is said until the end", async () => {
  const { written, output: strict } = recording();
  const output = silent(strict);
  output.log("one");
  output.warn("two");
  await turn();
  expect(written).toEqual([[2, "two\n"]]);
  output.flush();
  expect(written).toHaveLength(2);
});
