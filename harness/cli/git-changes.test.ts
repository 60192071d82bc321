import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { changedFiles } from "./git-changes.ts";

/** A clone with a trunk and a branch that is checked out. */
function clone(): {
  root: string;
  git: (...words: string[]) => void;
  put: (path: string, text: string) => void;
} {
  const root = mkdtempSync(join(tmpdir(), "git-"));
  const git = (...words: string[]): void => {
    const identity = ["-c", "user.name=x", "-c", "user.email=x@y"];
    execFileSync("git", [...identity, ...words], { cwd: root, stdio: "pipe" });
  };
  const put = (path: string, text: string): void => {
    mkdirSync(join(root, path, ".."), { recursive: true });
    writeFileSync(join(root, path), text);
  };
  git("init", "-q", "-b", "main");
  put("broker/a.ts", "one\ntwo\n");
  put("broker/ü b.ts", "one\n");
  put("broker/old.ts", "same\n".repeat(20));
  put("scenarios/gone.ts", "x\n");
  git("add", ".");
  git("commit", "-qm", "first");
  git("checkout", "-qb", "work");
  return { root, git, put };
}

test("a branch has changed what it committed, what it did not, and what git does not know", () => {
  const { root, git, put } = clone();
  put("broker/a.ts", "one\n2\n");
  git("commit", "-qam", "second");
  put("broker/ü b.ts", "one\ntwo\n");
  put("broker/new.ts", "fresh\n");
  rmSync(join(root, "scenarios/gone.ts"));
  git("mv", "broker/old.ts", "broker/moved.ts");
  const changes = changedFiles(root, undefined).map(({ path, added }) => [path, added.join("|")]);
  expect(changes.sort()).toEqual([
    ["broker/a.ts", "2"],
    ["broker/moved.ts", ""],
    ["broker/new.ts", "fresh|"],
    ["broker/ü b.ts", "two"],
    ["scenarios/gone.ts", ""],
  ]);
});

test("on the trunk only what is not committed has changed; another base can be named", () => {
  const { root, git, put } = clone();
  git("checkout", "-q", "main");
  put("broker/a.ts", "one\n2\n");
  git("commit", "-qam", "second");
  expect(changedFiles(root, undefined)).toEqual([]);
  expect(changedFiles(root, "HEAD~1").map(({ path }) => path)).toEqual(["broker/a.ts"]);
});

test("a base that git does not know, and a folder that is no clone, are the user's mistake", () => {
  const { root } = clone();
  expect(() => changedFiles(root, "nowhere")).toThrow(/git cannot tell .*nowhere/);
  const other = mkdtempSync(join(tmpdir(), "none-"));
  expect(() => changedFiles(other, undefined)).toThrow("git cannot tell");
});
