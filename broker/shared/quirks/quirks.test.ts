import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { quirksOf } from "./quirks.ts";

const file = join(mkdtempSync(join(tmpdir(), "pvh-quirks-")), "quirks");

it("without the variable of a file no file is read", () => {
  writeFileSync(file, "stale-pid");
  const quirks = quirksOf({ PVH_QUIRKS: "early-close:unix" });
  expect(quirks.has("stale-pid")).toBe(false);
  expect(quirks.has("early-close", "unix")).toBe(true);
});

it("the quirks of the file are on beside the others, as it is when a program starts", () => {
  const environment = { PVH_QUIRKS: "early-close", PVH_QUIRKS_FILE: file };
  writeFileSync(file, "");
  expect(quirksOf(environment).has("stale-pid")).toBe(false);
  writeFileSync(file, "stale-pid\n");
  expect(quirksOf(environment).has("stale-pid")).toBe(true);
  expect(quirksOf(environment).has("early-close")).toBe(true);
});

it("a file that is not there yet says nothing", () => {
  expect(quirksOf({ PVH_QUIRKS_FILE: `${file}.missing` }).has("stale-pid")).toBe(false);
});

it("an unknown quirk is refused by name", () => {
  writeFileSync(file, "no-such-quirk");
  expect(() => quirksOf({ PVH_QUIRKS_FILE: file })).toThrow('unknown quirk "no-such-quirk"');
});
