import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parseLogLine, READY_LINE } from "./log-line.ts";

test("a recorded READY line is taken apart", () => {
  const text =
    "[pantavisor] 1434 INFO\t -- [state]: (pv_state_set_status:556) state revision '0' status is now READY";
  expect(parseLogLine(text)).toEqual({
    platform: "pantavisor",
    seconds: 1434,
    level: "INFO",
    module: "state",
    message: "state revision '0' status is now READY",
  });
  expect(READY_LINE.exec(text)?.[1]).toBe("0");
});

test("nearly every line of a recorded log parses; the rest are continuations", () => {
  const recorded = readFileSync(
    new URL("../../fixtures/logs/unix-pair-pantavisor.log", import.meta.url),
    "utf8",
  );
  const lines = recorded.split("\n").filter((line) => line.startsWith("["));
  const odd = lines.filter((line) => parseLogLine(line) === undefined);
  expect(lines.length).toBeGreaterThan(100);
  expect(odd).toEqual([]);
});

test("a line in another format is not a log line", () => {
  expect(parseLogLine("[pvtest] 1795388553 INFO -- [pv-appengine]: launching")).toBeDefined();
  expect(parseLogLine("___           _   ")).toBeUndefined();
  expect(parseLogLine("")).toBeUndefined();
});
