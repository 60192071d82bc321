import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { pageScript } from "./page-script.ts";

test("a script that was kept is used; one that is cut, foreign or of other sources is made anew", () => {
  const cache = mkdtempSync(join(tmpdir(), "pvh-page-"));
  vi.stubEnv("XDG_CACHE_HOME", cache);
  const file = join(cache, "pvh/page/script");
  const script = pageScript();
  expect(script.length).toBeGreaterThan(1_000);
  const kept = readFileSync(file, "utf8");
  expect(kept.endsWith(script)).toBe(true);
  expect(pageScript()).toBe(script);
  for (const wrong of ["", kept.slice(0, -1), `${kept};alert(1)`, `0${kept.slice(1)}`]) {
    writeFileSync(file, wrong);
    expect(pageScript()).toBe(script);
    expect(readFileSync(file, "utf8")).toBe(kept);
  }
  vi.unstubAllEnvs();
});

test("with PVH_CACHE=off, and where nothing can be kept, the script is bundled", () => {
  const cache = mkdtempSync(join(tmpdir(), "pvh-page-"));
  vi.stubEnv("XDG_CACHE_HOME", join(cache, "file"));
  writeFileSync(join(cache, "file"), "");
  const script = pageScript();
  vi.stubEnv("PVH_CACHE", "off");
  expect(pageScript()).toBe(script);
  vi.unstubAllEnvs();
});
