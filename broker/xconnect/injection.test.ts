import { mkdtempSync, openSync, rmSync, statSync, writeFileSync } from "node:fs";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { SystemCallError } from "../linux/errno.ts";
import { isInPlace } from "./injection.ts";

/** What a container's root says of any path. */
function failing(errno: number): { open: () => number } {
  return {
    open: () => {
      throw new SystemCallError("openat2", errno);
    },
  };
}

describe("isInPlace", () => {
  const planted = { dev: 0n, ino: 0n };

  it.each(["ENOENT", "ENOTDIR", "ELOOP"] as const)("is false when the path says %s", (code) => {
    expect(isInPlace(failing(constants.errno[code]), "/s", planted)).toBe(false);
  });

  it.each(["EMFILE", "ENFILE", "ENOMEM"] as const)(
    "does not take %s for a socket that was removed",
    (code) => {
      const look = () => isInPlace(failing(constants.errno[code]), "/s", planted);
      expect(look).toThrow(code);
    },
  );

  it("knows what was planted by its inode", () => {
    const directory = mkdtempSync(join(tmpdir(), "pvh-place-"));
    const file = join(directory, "s");
    writeFileSync(file, "");
    const { dev, ino } = statSync(file, { bigint: true });
    const root = { open: () => openSync(file, "r") };
    expect(isInPlace(root, "/s", { dev, ino })).toBe(true);
    expect(isInPlace(root, "/s", { dev, ino: ino + 1n })).toBe(false);
    rmSync(directory, { recursive: true });
  });
});
