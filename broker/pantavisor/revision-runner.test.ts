import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { parseQuirks } from "../shared/quirks/quirks.ts";
import { makeRunner } from "./revision-runner.fixture.ts";

let storage: string;

beforeEach(() => {
  vi.useFakeTimers();
  storage = mkdtempSync(join(tmpdir(), "pvh-runner-"));
});
afterEach(() => {
  vi.useRealTimers();
  rmSync(storage, { recursive: true });
});

/** One container that cannot be started, with neither a delay nor a limit of its retries. */
function runUnstartable() {
  const manifest = { name: "a", type: "nosuch", auto_recovery: { policy: "always" } };
  const { runner, lines } = makeRunner({ storage, entries: { "a/run.json": manifest } });
  const failures = () => lines.filter((line) => line.includes("suddenly stopped")).length;
  return { runner, failures };
}

it("a container that cannot be started is tried again and again, but not without a pause", async () => {
  const { runner, failures } = runUnstartable();
  runner.begin();
  await vi.advanceTimersByTimeAsync(2000);
  expect(failures()).toBeGreaterThanOrEqual(4);
  expect(failures()).toBeLessThanOrEqual(5);
});

it("a container that waits to be started again can be stopped", async () => {
  const { runner, failures } = runUnstartable();
  runner.begin();
  await vi.advanceTimersByTimeAsync(100);
  runner.dispatch({ type: "container", name: "a", event: { type: "stop" } });
  await vi.advanceTimersByTimeAsync(5000);
  expect(runner.state.containers.get("a")?.status).toBe("STOPPED");
  expect(failures()).toBe(1);
});

it.each([
  ["ready-too-early", []],
  ["ready-ignores-containers", ["READY"]],
])("%s writes READY 2 s before the containers begin, and reports %j", async (quirk, reported) => {
  const manifest = { name: "a", type: "nosuch" };
  const statuses: string[] = [];
  const { runner, lines } = makeRunner({
    storage,
    entries: { "a/run.json": manifest },
    quirks: parseQuirks(quirk),
    onStatus: (status) => statuses.push(status),
  });
  runner.begin();
  await vi.advanceTimersByTimeAsync(1999);
  expect(lines).toEqual(["state revision '0' status is now READY"]);
  expect(statuses).toEqual(reported);
  await vi.advanceTimersByTimeAsync(1);
  expect(lines.join("\n")).toContain("suddenly stopped");
});
