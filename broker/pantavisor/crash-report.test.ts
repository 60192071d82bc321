import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { ownLog } from "./own-log.ts";
import { supervise } from "./supervisor.ts";

const PROGRAM = join(import.meta.dirname, "crash-report.main.fixture.ts");

it.each([
  ["throws", "uncaught: Error: stray", true],
  ["rejects", "uncaught: Error: stray", true],
  ["emits", "uncaught: Error: stray", true],
  ["throws nothing", "uncaught: a value that cannot be printed", false],
])(
  "a pantavisor in which something %s after its start is a crash: told with the stack that it has, and booted again",
  async (way, reason, hasStack) => {
    const folder = mkdtempSync(join(tmpdir(), "pvh-crash-"));
    const lines: string[] = [];
    const stop = new AbortController();
    const log = ownLog(
      (line) => {
        lines.push(line.replace(/^.*?-- /, ""));
        if (lines.filter((one) => one.includes("launching")).length === 2) stop.abort("SIGTERM");
      },
      () => undefined,
      () => 0,
    );
    await supervise({
      nextLaunch: () => ({ command: [process.execPath, PROGRAM, way, folder], revision: "7" }),
      environment: process.env,
      delaySeconds: 0,
      log,
      shutdown: stop.signal,
      children: new Set(),
    });
    expect(lines.slice(0, 5)).toEqual([
      "[pv-appengine]: launching pantavisor rev=7\n",
      "[pv-appengine]: pantavisor exited\n",
      "[pv-appengine]: pantavisor crashed (code 134); rebooting device...\n",
      "[pv-appengine]: restarting in 0 seconds...\n",
      "[pv-appengine]: launching pantavisor rev=7\n",
    ]);
    const told = readFileSync(join(folder, "pantavisor/pantavisor.log"), "utf8");
    expect(told).toContain(`ERROR\t -- [crash]: ${reason}\n`);
    expect(/\[crash\]: at .*crash-report\.main/.test(told)).toBe(hasStack);
    rmSync(folder, { recursive: true });
  },
);
