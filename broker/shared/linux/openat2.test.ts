import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readlinkSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { O_DIRECTORY, O_PATH, RESOLVE_IN_ROOT, RESOLVE_NO_MAGICLINKS, openat2 } from "./openat2.ts";

it("stays below the directory whatever the path or a symlink says", () => {
  const root = mkdtempSync(join(tmpdir(), "pvh-root-"));
  mkdirSync(join(root, "etc"));
  symlinkSync("/etc", join(root, "absolute"));
  symlinkSync("../../../../etc", join(root, "relative"));
  const directory = openSync(root, O_PATH | O_DIRECTORY);
  for (const path of ["/etc", "../../etc", "absolute", "relative", "etc/../../../etc"]) {
    const fd = openat2(directory, path, O_PATH, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
    expect(readlinkSync(`/proc/self/fd/${fd}`)).toBe(join(root, "etc"));
    closeSync(fd);
  }
  expect(() => openat2(directory, "no/such", O_PATH, RESOLVE_IN_ROOT)).toThrow("ENOENT");
  expect(() => openat2(directory, "etc\0/x", O_PATH, RESOLVE_IN_ROOT)).toThrow("NUL");
  closeSync(directory);
  rmSync(root, { recursive: true });
});

it("refuses the magic links of /proc", () => {
  const directory = openSync("/proc/self", O_PATH | O_DIRECTORY);
  expect(() => openat2(directory, "root", O_PATH, RESOLVE_NO_MAGICLINKS)).toThrow("ELOOP");
  closeSync(directory);
});
