import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { ENDING } from "../ending.ts";
import { Cancellation, cancelRun } from "./cancellation.ts";

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), "pvh-cancel-"));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

const fired = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });

test("a worker hears of the cancellation, and its time for evidence counts from there", async () => {
  const path = folder();
  const cancellation = new Cancellation(path);
  const begun = performance.now();
  cancelRun(path);
  await fired(cancellation.signal);
  expect(cancellation.evidenceOver.aborted).toBe(false);
  await fired(cancellation.evidenceOver);
  expect(performance.now() - begun).toBeGreaterThan(ENDING.evidence - 20);
  cancellation.close();
});

test("a worker that starts after the cancellation finds it, and no time left for evidence", async () => {
  const path = folder();
  const then = Number(process.hrtime.bigint() / 1_000_000n) - ENDING.evidence;
  writeFileSync(join(path, ".cancelled"), String(then));
  const cancellation = new Cancellation(path);
  expect(cancellation.signal.aborted).toBe(true);
  await fired(cancellation.evidenceOver);
  cancellation.close();
});

test("a folder that takes no file keeps no run from ending", () => {
  const path = folder();
  rmSync(path, { recursive: true });
  expect(() => cancelRun(path)).not.toThrow();
});
