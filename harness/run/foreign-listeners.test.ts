import { setImmediate as turn } from "node:timers/promises";
import { expect, test } from "vitest";
import { withoutEndingListeners } from "./foreign-listeners.ts";

test("what is done meanwhile hears of no signal, and those who heard before still do", async () => {
  const heard: string[] = [];
  const before = (): void => void heard.push("before");
  const other = (): void => void heard.push("other event");
  process.on("SIGHUP", before);
  try {
    await withoutEndingListeners(async () => {
      process.once("SIGHUP", () => heard.push("once"));
      process.on("SIGHUP", () => heard.push("on"));
      process.on("multipleResolves", other);
      await turn();
      process.emit("SIGHUP");
    });
    process.emit("multipleResolves" as never);
    expect(heard).toEqual(["before", "other event"]);
    const after = (): void => void heard.push("after");
    process.once("SIGHUP", after);
    await turn();
    process.emit("SIGHUP");
    expect(heard).toEqual(["before", "other event", "before", "after"]);
  } finally {
    process.off("SIGHUP", before);
    process.off("multipleResolves", other);
  }
});

test("a listener that would end the process by a rejection that nothing handles is kept out", async () => {
  const before = process.listenerCount("unhandledRejection");
  await withoutEndingListeners(async () => {
    process.on("unhandledRejection", () => process.exit());
    await turn();
  });
  expect(process.listenerCount("unhandledRejection")).toBe(before);
});
