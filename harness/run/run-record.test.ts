import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { RunRecord } from "./run-record.ts";

test("a closed record takes no event, in memory or in its file", () => {
  const file = join(mkdtempSync(join(tmpdir(), "record-")), "events.jsonl");
  const heard: string[] = [];
  const record = new RunRecord(file, ({ type }) => heard.push(type));
  record.append({ type: "note", text: "before" });
  expect(record.close()).toEqual([]);
  record.append({ type: "note", text: "after" });
  expect(heard).toEqual(["note"]);
  expect(readFileSync(file, "utf8")).not.toContain("after");
});
