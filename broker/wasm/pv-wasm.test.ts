import { once } from "node:events";
import { expect, test } from "vitest";
import { runGuest, startGuest } from "./guest-process.fixture.ts";

test("a guest prints, sees its arguments and its environment, and ends by itself", async () => {
  const { code, output, reports } = await runGuest({ words: ["print", "hello", "env", "COLOUR"] });
  expect({ code, output, reports }).toEqual({
    code: 0,
    output: ["hello", "COLOUR=blue"],
    reports: ["started", "exit 0"],
  });
});

test.each([
  ["0", 0],
  ["3", 3],
  ["255", 255],
  ["256", 255],
  ["4294967295", 255],
])("exit code %s is reported as it is, and the process's status is %d", async (exit, status) => {
  const { code, reports } = await runGuest({ words: ["exit", exit] });
  expect([code, reports.at(-1)]).toEqual([status, `exit ${Number(exit) >>> 0}`]);
});

test.each([
  ["no-module.txt", /^failed its module is refused: .*magic word/],
  ["recurses.wasm", /^failed trap: Maximum call stack size exceeded/],
  ["huge-memory.wasm", /^failed it cannot be instantiated: .*[mM]emory/],
  ["huge-table.wasm", /^failed its module is refused: .*initial table size/],
  ["wrong-signature.wasm", /^failed pantavisor_http\.close: called with other arguments/],
  ["no-start.wasm", /^failed it exports no function _start/],
  ["imports-memory.wasm", /^failed import env\.memory is a memory.*env\.system is unknown/],
])("%s fails by name", async (module, reason) => {
  const { code, output, reports } = await runGuest({ module });
  expect([code, reports.at(-1)]).toEqual([1, expect.stringMatching(reason)]);
  expect(`failed ${output.at(-1) ?? ""}`).toBe(reports.at(-1));
});

test("memory and tables grow up to their limits, where the guest is told and goes on", async () => {
  const memory = await runGuest({ words: ["grow"] });
  expect(memory.output).toEqual([expect.stringMatching(/^pages (8[5-9]|9\d|100)$/)]);
  const table = await runGuest({ module: "grows-table.wasm" });
  expect(table.reports.at(-1)).toBe("exit 0");
});

test("ranges outside of the memory are refused, and a count that wraps at 32 bits", async () => {
  const { output, reports } = await runGuest({ words: ["pointers"] });
  expect(output.map((line) => line.replace(/^.*errno /, ""))).toEqual(
    "28 21 21 21 21 8 8".split(" "),
  );
  expect(reports.at(-1)).toBe("exit 0");
});

test("a guest that sleeps ends when it is asked to stop, without a report", async () => {
  await using guest = startGuest({ words: ["print", "here", "sleep", "100000"] });
  await once(guest.channel, "data");
  guest.channel.end();
  const { code, output } = await guest.ended;
  expect({ code, output }).toEqual({ code: 143, output: ["here"] });
});

test("a guest that waits for a service is told to stop, and ends as it likes", async () => {
  await using guest = startGuest({ words: ["get", "absent-rest", "/", "exit", "7"] });
  await once(guest.channel, "data");
  guest.channel.end();
  const { code, output } = await guest.ended;
  expect({ code, output }).toEqual({ code: 7, output: ["request: errno 27"] });
});
