import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { expect, it } from "vitest";
import { attachLoop } from "./loop.ts";

const possible = process.getuid?.() === 0 && existsSync("/dev/loop-control");

it.skipIf(!possible)("a loop device shows its file read-only and frees itself (needs root)", () => {
  const folder = mkdtempSync(join(tmpdir(), "pvh-loop-"));
  try {
    const file = join(folder, "image");
    writeFileSync(file, Buffer.alloc(8192, 7));
    let backing: string;
    {
      using device = attachLoop(file);
      backing = `/sys/block/${basename(device.path)}/loop/backing_file`;
      expect(readFileSync(backing, "utf8").trim()).toBe(file);
      expect(readFileSync(device.path)).toEqual(Buffer.alloc(8192, 7));
      expect(readFileSync(`/sys/block/${basename(device.path)}/ro`, "utf8").trim()).toBe("1");
    }
    expect(existsSync(backing)).toBe(false);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
