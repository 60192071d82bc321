import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { junitDialect } from "./ci-place.ts";

const project = mkdtempSync(join(tmpdir(), "pvh-ci-"));
const folder = join(project, ".pvh/runs/x");
mkdirSync(join(folder, "s/logs/0/app"), { recursive: true });
writeFileSync(join(folder, "s/boot.log"), "");
writeFileSync(join(folder, "s/logs/0/app/console.log"), "");
symlinkSync("/etc/shadow", join(folder, "s/logs/0/app/link"));
const directory = { folder, shown: ".pvh/runs/x" };

test("Jenkins gets absolute paths of files, those of a folder too, and no link", () => {
  const { attachments, caseFiles } = junitDialect(directory, {});
  expect(caseFiles).toBe(false);
  expect(attachments("s/boot.log")).toEqual([join(folder, "s/boot.log")]);
  expect(attachments("s/logs")).toEqual([join(folder, "s/logs/0/app/console.log")]);
  expect(attachments("s/nothing")).toEqual([]);
});

test("GitLab gets paths in its project, and the file of each case", () => {
  const env = { GITLAB_CI: "true", CI_PROJECT_DIR: project };
  const { attachments, caseFiles } = junitDialect(directory, env);
  expect(caseFiles).toBe(true);
  expect(attachments("s/logs")).toEqual([".pvh/runs/x/s/logs/0/app/console.log"]);
  const elsewhere = junitDialect(directory, { ...env, CI_PROJECT_DIR: "/nowhere" });
  expect(elsewhere.attachments("s/boot.log")).toEqual([]);
});
