import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { DEBUG_TOPICS } from "../broker/shared/debug-topics.ts";
import { captureDebug } from "./debug.fixture.ts";
import { debugLog, debugTopics } from "./debug.ts";
import { ROOT } from "./root.ts";

const EVERY = Object.keys(DEBUG_TOPICS);

describe("PVH_DEBUG names topics", () => {
  test.each([
    [undefined, []],
    ["", []],
    [" , ", []],
    ["engine", ["engine"]],
    ["control, filter,control", ["control", "filter"]],
    ["*", EVERY],
    ["engine,all", EVERY],
  ])("%j", (list, topics) => {
    expect([...debugTopics(list)].sort()).toEqual([...topics].sort());
  });

  test.each([
    ["engine,contrl", "'contrl'", "did you mean control?"],
    ["toString", "'toString'", "PVH_DEBUG=all"],
  ])("and %s is refused with the ones that there are", (list, word, hint) => {
    expect(() => debugTopics(list)).toThrow(
      expect.objectContaining({
        code: "PVH_USAGE",
        message: `PVH_DEBUG: ${word} is not a topic; topics are ${EVERY.join(", ")}, and all`,
        hint,
      }),
    );
  });
});

describe("a line", () => {
  test("has time, topic, process and text", () => {
    const lines = captureDebug("boot");
    debugLog("boot")?.("ready: passed, 12 ms");
    expect(lines).toEqual([
      expect.stringMatching(
        /^\[\d\d:\d\d:\d\d\.\d{3}\] DEBUG \(boot\/\d+\): ready: passed, 12 ms$/,
      ),
    ]);
  });

  test("has at most 500 characters and does nothing to a terminal, whatever the text", () => {
    const lines = captureDebug("all");
    debugLog("control")?.(`\u001b]0;title\u0007a\nb\u2028${"x".repeat(100_000)}`);
    expect(lines).toHaveLength(1);
    expect(lines[0]?.length).toBeLessThanOrEqual(500);
    expect(lines[0]).toMatch(/: a b x+…$/);
  });

  test("of another topic is not made", () => {
    captureDebug("engine");
    expect(debugLog("control")).toBeUndefined();
  });
});

describe("pino is loaded", () => {
  const program = (use: string) => `
    import { createRequire } from "node:module";
    await import(${JSON.stringify(join(ROOT, "harness/cli/program.ts"))});
    await import(${JSON.stringify(join(ROOT, "harness/appengine/appengine-container.ts"))});
    const { debugLog } = await import(${JSON.stringify(join(ROOT, "harness/debug.ts"))});
    ${use}
    const loaded = Object.keys(createRequire(import.meta.url).cache);
    console.log(loaded.some((path) => path.includes("/node_modules/pino")));`;
  const loads = (PVH_DEBUG: string): string =>
    spawnSync(process.execPath, ["--input-type=module", "-e", program(`debugLog("engine");`)], {
      encoding: "utf8",
      env: { ...process.env, PVH_DEBUG },
    }).stdout.trim();

  test("when a topic is on, and not before", () => {
    expect(loads("engine")).toBe("true");
    expect(loads("")).toBe("false");
  });
});
