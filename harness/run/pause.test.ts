import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { letGoOn, pausedAfter, pauseFor, pauseNote } from "./pause.ts";

const NEVER = new AbortController().signal;

test("a scenario goes on when it is let, by its own check alone", async () => {
  const folder = mkdtempSync(join(tmpdir(), "pvh-pause-"));
  let over = false;
  const pause = pauseFor(folder, "s", "unix.a", NEVER).then(() => {
    over = true;
  });
  letGoOn(folder, "s", "unix.b");
  letGoOn(folder, "other", "unix.a");
  await new Promise((resolve) => setImmediate(resolve));
  expect(over).toBe(false);
  letGoOn(folder, "s", "unix.a");
  await pause;
  expect(over).toBe(true);
});

test("one that was let go on before it paused does not wait, nor does one that is cancelled", async () => {
  const folder = mkdtempSync(join(tmpdir(), "pvh-pause-"));
  letGoOn(folder, "s", "unix.a");
  await pauseFor(folder, "s", "unix.a", NEVER);
  await pauseFor(folder, "s", "unix.b", AbortSignal.abort());
});

test("the note of a pause names its check", () => {
  expect(pausedAfter(pauseNote("unix.a", "pvh-1"))).toBe("unix.a");
  expect(pausedAfter("unix.a failed on pvh-1")).toBeUndefined();
});
