import { execFileSync } from "node:child_process";
import {
  mkdirSync,
  mkdtempSync,
  openSync,
  renameSync,
  rmSync,
  rmdirSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { O_DIRECTORY, O_PATH } from "../../shared/linux/openat2.ts";
import { DirectoryWatches } from "./directory-watches.ts";

describe("DirectoryWatches", () => {
  let base: string;
  let watched: string;
  let touched: PromiseWithResolvers<string>;
  let watches: DirectoryWatches;

  beforeEach(() => {
    base = mkdtempSync(join(tmpdir(), "pvh-watch-"));
    watched = join(base, "watched");
    mkdirSync(watched);
    touched = Promise.withResolvers();
    watches = new DirectoryWatches(() => touched.resolve("touched"));
  });

  afterEach(() => {
    watches.close();
    rmSync(base, { recursive: true, force: true });
  });

  const watch = () => watches.add(openSync(watched, O_PATH | O_DIRECTORY), "target");

  it("tells when the name is touched", async () => {
    watch();
    writeFileSync(join(watched, "target"), "");
    expect(await touched.promise).toBe("touched");
  });

  it("tells when the directory is moved away", async () => {
    watch();
    renameSync(watched, join(base, "elsewhere"));
    expect(await touched.promise).toBe("touched");
  });

  it("tells when the directory is removed", async () => {
    watch();
    rmdirSync(watched);
    expect(await touched.promise).toBe("touched");
  });

  it.skipIf(process.getuid?.() !== 0)(
    "tells when it is unmounted, and of its successor",
    async () => {
      execFileSync("mount", ["-t", "tmpfs", "pvh", watched]);
      watch();
      execFileSync("umount", [watched]);
      expect(await touched.promise).toBe("touched");

      touched = Promise.withResolvers();
      execFileSync("mount", ["-t", "tmpfs", "pvh", watched]);
      try {
        // The new mount usually has the device and inode number of the one before.
        watch();
        writeFileSync(join(watched, "target"), "");
        expect(await touched.promise).toBe("touched");
      } finally {
        execFileSync("umount", [watched]);
      }
    },
  );
});
