import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { PvhError } from "../errors.ts";
import { makePartDirectory, makeRunDirectory, newRunName } from "./run-directory.ts";

const base = (): string => mkdtempSync(join(tmpdir(), "pvh-runs-"));
const now = new Date("2026-11-23T00:40:01.234Z");

test("a run directory is named by its time and has a README", () => {
  const { run, folder, shown } = makeRunDirectory(newRunName(now), base());
  expect(run).toMatch(/^20261123T004001Z-[0-9a-f]{6}$/);
  expect(shown).toBe(`.pvh/runs/${run}`);
  expect(readFileSync(join(folder, "README"), "utf8")).toContain("events.jsonl");
});

test("latest points at the last run", () => {
  const folder = base();
  makeRunDirectory(newRunName(now), folder);
  const second = makeRunDirectory(newRunName(now), folder);
  expect(readlinkSync(join(folder, ".pvh/runs/latest"))).toBe(second.run);
});

test("runs of the same second have directories of their own", () => {
  const folder = base();
  const runs = Array.from({ length: 20 }, () => makeRunDirectory(newRunName(now), folder).run);
  expect(new Set(runs).size).toBe(20);
});

test("a latest that is no link stays, and the command that removes it is told", () => {
  const folder = base();
  mkdirSync(join(folder, ".pvh/runs/latest/old"), { recursive: true });
  expect(() => makeRunDirectory(newRunName(now), folder)).toThrow("is a folder, not the link");
  expect(readdirSync(join(folder, ".pvh/runs"))).toEqual(["latest"]);
});

test("a part's name cannot leave the run directory", () => {
  const directory = makeRunDirectory(newRunName(now), base());
  const part = makePartDirectory(directory, "../../no-half-close:unix");
  expect(part.folder).toBe(join(directory.folder, ".._.._no-half-close_unix"));
  expect(existsSync(join(part.folder, "README"))).toBe(true);
});

test("a folder in which this user may make nothing is no disk that is full", () => {
  expect(() => makeRunDirectory(newRunName(now), "/sys")).toThrow(
    expect.objectContaining({ code: "PVH_NO_ACCESS" }) as PvhError,
  );
});

test("a place that cannot be written is named in the error", () => {
  const file = join(base(), "file");
  writeFileSync(file, "");
  expect(() => makeRunDirectory(newRunName(now), file)).toThrow(PvhError);
  expect(() => makeRunDirectory(newRunName(now), file)).toThrow(file);
});
