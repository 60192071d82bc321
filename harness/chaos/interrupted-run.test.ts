import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { expect, onTestFinished, test } from "vitest";
import { PROJECT } from "../image/sources.ts";
import { readReports } from "./reports.ts";

const RUN_ONCE = join(PROJECT, "harness/run/testdata/run-once.ts");

/**
 * The chaos command without an engine: SIGINT at each of these events of a run, which is where a
 * random moment can fall.
 */
test.each([1, 2, 4, 8])(
  "a run that SIGINT ends at its event %i has valid reports that say so, within 10 s",
  async (moment) => {
    const cwd = mkdtempSync(join(tmpdir(), "pvh-interrupted-"));
    onTestFinished(() => rmSync(cwd, { recursive: true, force: true }));
    const child = spawn(process.execPath, [RUN_ONCE, "{}", "waits or verdicts"], { cwd });
    const printed = text(child.stdout);
    let events = 0;
    let begun = Infinity;
    createInterface(child.stderr).on("line", () => {
      events += 1;
      if (events !== moment) return;
      begun = performance.now();
      child.kill("SIGINT");
    });
    await once(child, "exit");
    expect(performance.now() - begun).toBeLessThan(10_000);
    expect(JSON.parse(await printed)).toMatchObject({ exitCode: 130 });
    expect(await readReports(cwd)).toEqual({ recorded: true, problems: [], exitCode: 130 });
  },
  120_000,
);
