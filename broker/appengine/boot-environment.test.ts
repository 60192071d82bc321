import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import {
  commitRevision,
  ensureBootFile,
  nextBoot,
  readBootEnvironment,
  tryAtNextBoot,
} from "./boot-environment.ts";

let folder: string;
let file: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "pvh-boot-"));
  file = join(folder, "uboot.txt");
});
afterEach(() => rmSync(folder, { recursive: true }));

it("a new device boots the factory revision", () => {
  ensureBootFile(file);
  expect(readFileSync(file, "latin1")).toBe("pv_rev=0\0");
  expect(nextBoot(file)).toEqual({ revision: "0", trial: false });
});

it("a try is used once, then the committed revision is back", () => {
  ensureBootFile(file);
  commitRevision(file, "locals/a");
  tryAtNextBoot(file, "locals/b");
  expect(readFileSync(file, "latin1")).toBe("pv_rev=locals/a\0pv_try=locals/b\0");
  expect(nextBoot(file)).toEqual({ revision: "locals/b", trial: true });
  expect(nextBoot(file)).toEqual({ revision: "locals/a", trial: false });
});

it("a commit ends the try", () => {
  tryAtNextBoot(file, "locals/b");
  commitRevision(file, "locals/b");
  expect(readBootEnvironment(file)).toEqual({ revision: "locals/b", trying: undefined });
});

it.each([[""], ["nonsense"], ["pv_rev=\0"]])("%j stands for the factory revision", (text) => {
  writeFileSync(file, text);
  expect(nextBoot(file)).toEqual({ revision: "0", trial: false });
});
