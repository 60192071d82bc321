import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { withFileLock } from "./file-lock.ts";

async function temporary(): Promise<{ lock: string } & AsyncDisposable> {
  const folder = await mkdtemp(join(tmpdir(), "pvh-"));
  return {
    lock: join(folder, "new", "lock"),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
  };
}

test("bodies under one lock never overlap, and a failing one lets go of it", async () => {
  await using at = await temporary();
  let inside = 0;
  const body = async (fail: boolean) => {
    inside += 1;
    expect(inside).toBe(1);
    await new Promise(setImmediate);
    inside -= 1;
    if (fail) throw new Error("no");
  };
  const results = await Promise.allSettled(
    [true, false, true, false].map((fail) => withFileLock(at.lock, () => body(fail))),
  );
  expect(results.map(({ status }) => status)).toEqual([
    "rejected",
    "fulfilled",
    "rejected",
    "fulfilled",
  ]);
});

test("an abort ends the waiting", async () => {
  await using at = await temporary();
  const controller = new AbortController();
  await withFileLock(at.lock, async () => {
    const waiting = withFileLock(at.lock, () => Promise.resolve("never"), {
      signal: controller.signal,
    });
    controller.abort();
    await expect(waiting).rejects.toMatchObject({ code: "PVH_ABORTED" });
  });
});
