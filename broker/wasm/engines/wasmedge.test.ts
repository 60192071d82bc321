import { describe, expect, it, test } from "vitest";
import { GuestFailure } from "../guest-errno.ts";
import { runGuest } from "../guest-process.fixture.ts";
import { openLibrary } from "./wasmedge-library.ts";

test("without the library the engine says so, with the loader's reason", () => {
  expect(() => openLibrary(["libno-such-engine.so"])).toThrow(
    /no WebAssembly engine 'wasmedge': .*libno-such-engine/,
  );
  expect(() => openLibrary(["libno-such-engine.so"])).toThrow(GuestFailure);
});

describe.skipIf(!isThere())("WasmEdge, where its library is", () => {
  const engine = "wasmedge";

  it("runs a guest that prints, and sees its arguments and its environment", async () => {
    const { code, output, reports } = await runGuest({
      ...{ engine, words: ["print", "hello", "env", "COLOUR"] },
    });
    expect({ code, output, reports }).toEqual({
      ...{ code: 0, output: ["hello", "COLOUR=blue"], reports: ["started", "exit 0"] },
    });
  });

  it.each(["0", "3", "255", "256", "4294967295"])("reports exit code %s", async (exit) => {
    const { reports } = await runGuest({ engine, words: ["exit", exit] });
    expect(reports.at(-1)).toBe(`exit ${Number(exit) >>> 0}`);
  });

  it.each([
    ["no-module.txt", /^failed its module is refused: /],
    ["huge-memory.wasm", /^failed its module is refused: its memory begins with \d+ pages/],
    ["wrong-signature.wasm", /^failed it cannot be instantiated: incompatible import type/],
    ["no-start.wasm", /^failed it exports no function _start/],
    ["imports-memory.wasm", /^failed import env\.memory is a memory.*env\.system is unknown/],
  ])("ends %s by name", async (module, reason) => {
    const { code, reports } = await runGuest({ engine, module });
    expect([code, reports.at(-1)]).toEqual([1, expect.stringMatching(reason)]);
  });

  it("refuses ranges outside of the memory", async () => {
    const { output } = await runGuest({ engine, words: ["pointers"] });
    expect(output.map((line) => line.replace(/^.*errno /, ""))).toEqual(
      "28 21 21 21 21 8 8".split(" "),
    );
  });

  it("lets a memory grow up to its limit", async () => {
    const { output } = await runGuest({ engine, words: ["grow"] });
    expect(output).toEqual([expect.stringMatching(/^pages (8[5-9]|9\d|100)$/)]);
  });

  it("calls a host function 20,000 times in a row", async () => {
    const words = Array.from({ length: 20_000 }, () => ["get", "nobodys", "/"]).flat();
    const { code, output } = await runGuest({ engine, words });
    expect([code, new Set(output)]).toEqual([0, new Set(["request: errno 44"])]);
  });
});

function isThere(): boolean {
  try {
    openLibrary();
    return true;
  } catch {
    return false;
  }
}
