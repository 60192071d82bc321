import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { EvidenceNews } from "./evidence-news.ts";

function folderOf(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), "news-"));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(folder, path, ".."), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return folder;
}

test("what is as it was is dropped, of what has grown the new end stays, the rest stays whole", () => {
  const news = new EvidenceNews();
  news.begin(
    folderOf({ same: "1", "logs/a/same.log": "x", "logs/grown.log": "one\n", other: "1" }),
  );
  const second = folderOf({
    same: "1",
    "logs/a/same.log": "x",
    "logs/grown.log": "one\ntwo\n",
    other: "2",
    fresh: "f",
  });
  expect(news.keep(second)).toBe(true);
  expect(readdirSync(second, { recursive: true }).sort()).toEqual([
    "fresh",
    "logs",
    "logs/grown.log",
    "other",
  ]);
  expect(readFileSync(join(second, "logs/grown.log"), "utf8")).toBe(
    "[4 bytes as in the evidence before]\ntwo\n",
  );
});

test("each collection is held against the one before it, not against what was left of that", () => {
  const news = new EvidenceNews();
  news.begin(folderOf({ log: "one\n" }));
  expect(news.keep(folderOf({ log: "one\ntwo\n" }))).toBe(true);
  const third = folderOf({ log: "one\ntwo\nthree\n" });
  expect(news.keep(third)).toBe(true);
  expect(readFileSync(join(third, "log"), "utf8")).toBe(
    "[8 bytes as in the evidence before]\nthree\n",
  );
  const fourth = folderOf({ log: "one\ntwo\nthree\n" });
  expect(news.keep(fourth)).toBe(false);
  expect(existsSync(fourth)).toBe(false);
});

test("a log that was begun anew stays whole, also when it is longer", () => {
  const news = new EvidenceNews();
  news.begin(folderOf({ log: "old\n" }));
  const second = folderOf({ log: "anew, and longer\n" });
  expect(news.keep(second)).toBe(true);
  expect(readFileSync(join(second, "log"), "utf8")).toBe("anew, and longer\n");
});

test("links are left alone, and a folder that is not there is no news", () => {
  const news = new EvidenceNews();
  const folder = folderOf({});
  symlinkSync("/etc/passwd", join(folder, "link"));
  expect(news.keep(folder)).toBe(false);
  expect(existsSync(folder)).toBe(true);
  expect(news.keep(join(folder, "none"))).toBe(false);
});
