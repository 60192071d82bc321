import { expect, test } from "vitest";
import { DEFAULT_LIMITS, limitsConfig, limitsOf, parseLimits } from "./limits.ts";

test("an appengine has limits of processes, memory and log without being asked", () => {
  expect(limitsConfig(limitsOf({}))).toEqual({
    PidsLimit: 8192,
    Memory: 2 ** 32,
    MemorySwap: 2 ** 32,
    LogConfig: { Type: "json-file", Config: { "max-size": String(2 ** 25), "max-file": "2" } },
  });
});

test("a limit is set, lifted, or keeps its default", () => {
  expect(limitsOf({ PVH_LIMITS: "memory=6G, pids=none" })).toEqual({
    pids: undefined,
    memory: 6 * 2 ** 30,
    log: DEFAULT_LIMITS.log,
  });
  expect(limitsConfig(parseLimits("memory=none,pids=none,log=none", "x"))).toEqual({});
});

test.each(["memory", "memory=", "memory=1", "memory=-1g", "memory=4t", "cpu=1", "pids=0", "=1"])(
  "%s is refused with the setting's name",
  (text) => {
    expect(() => limitsOf({ PVH_LIMITS: text })).toThrow(
      expect.objectContaining({
        code: "PVH_USAGE",
        message: expect.stringContaining("PVH_LIMITS") as string,
      }),
    );
  },
);
