import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, expect, it } from "vitest";
import { PROPERTY_RUNS } from "../../shared/formats/property-runs.fixture.ts";
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
  // In memory: each write is synced.
  folder = mkdtempSync("/dev/shm/pvh-boot-");
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

it("a try that a full disk does not let be used up waits", () => {
  tryAtNextBoot(file, "locals/b");
  symlinkSync("/dev/full", `${file}.new`);
  expect(nextBoot(file)).toEqual({ revision: "0", trial: false });
  rmSync(`${file}.new`);
  expect(nextBoot(file)).toEqual({ revision: "locals/b", trial: true });
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

it("whatever was written and booted, a try runs once and a commit stays", () => {
  const revision = fc.stringMatching(/^(locals\/)?[a-z0-9._-]{1,12}$/);
  const step = fc.record({ kind: fc.constantFrom("try", "commit", "boot"), revision });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 6 }), (steps) => {
      rmSync(file, { force: true });
      let committed = "0";
      let trying: string | undefined;
      for (const { kind, revision: named } of steps) {
        if (kind === "try") {
          tryAtNextBoot(file, named);
          trying = named;
        } else if (kind === "commit") {
          commitRevision(file, named);
          [committed, trying] = [named, undefined];
        } else {
          expect(nextBoot(file)).toEqual({
            revision: trying ?? committed,
            trial: trying !== undefined,
          });
          trying = undefined;
        }
        expect(readBootEnvironment(file)).toEqual({ revision: committed, trying });
      }
    }),
    { numRuns: PROPERTY_RUNS },
  );
});

it("any bytes are read as some revision", () => {
  const pair = fc.tuple(fc.constantFrom("pv_rev", "pv_try", "pv_revs", ""), fc.string());
  const text = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.array(pair).map((pairs) => pairs.map((one) => one.join("=")).join("\0")),
  );
  fc.assert(
    fc.property(text, (content) => {
      writeFileSync(file, content);
      const { revision, trying } = readBootEnvironment(file);
      expect(revision).not.toMatch(/^$|\0/);
      expect(trying ?? "none").not.toMatch(/^$|\0/);
    }),
    { numRuns: PROPERTY_RUNS },
  );
});
