import {
  closeSync,
  fstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  statSync,
  symlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { O_DIRECTORY, O_PATH } from "../../shared/linux/openat2.ts";
import { none } from "../../shared/quirks/quirks.ts";
import { ContainerRoot } from "./container-root.ts";

/** A root that counts how often a path is opened from it. */
class CountingRoot extends ContainerRoot {
  walks = 0;
  onMissing: () => void = () => undefined;

  override open(path: string, flags: number): number {
    this.walks += 1;
    try {
      return super.open(path, flags);
    } catch (error) {
      this.onMissing();
      throw error;
    }
  }
}

describe("openParent", () => {
  let directory: string;
  let root: CountingRoot;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "pvh-root-"));
    const openRoot = () => openSync(directory, O_PATH | O_DIRECTORY);
    root = new CountingRoot({ openRoot }, none);
  });

  afterEach(() => {
    root[Symbol.dispose]();
    rmSync(directory, { recursive: true });
  });

  /** The inode of the target's parent. */
  function parentOf(target: string): number {
    const { directory: parent } = root.openParent(target);
    try {
      return fstatSync(parent).ino;
    } finally {
      closeSync(parent);
    }
  }

  const inode = (path: string) => statSync(join(directory, path)).ino;
  const DEEP = "d/".repeat(500);

  it("goes a way that exists once, however long it is", () => {
    mkdirSync(join(directory, DEEP), { recursive: true });
    expect(parentOf(`/${DEEP}x`)).toBe(inode(DEEP));
    expect(root.walks).toBe(1);
  });

  it.each([0, 1, 7, 499])("makes what is missing below %i directories, with mode 0755", (depth) => {
    mkdirSync(join(directory, "d/".repeat(depth)), { recursive: true });
    expect(parentOf(`/${DEEP}x`)).toBe(inode(DEEP));
    expect(statSync(join(directory, DEEP)).mode & 0o7777).toBe(0o755);
    expect(root.walks).toBeLessThan(12);
  });

  it("takes what the container makes at the same time", () => {
    root.onMissing = () => mkdirSync(join(directory, "run/pv"), { recursive: true });
    expect(parentOf("/run/pv/x")).toBe(inode("run/pv"));
  });

  it("understands symlinks on the way as the container does", () => {
    mkdirSync(join(directory, "real/inner"), { recursive: true });
    symlinkSync("/real", join(directory, "absolute"));
    symlinkSync("../../../real/inner", join(directory, "real/relative"));
    expect(parentOf("/absolute/relative/made/x")).toBe(inode("real/inner/made"));
    expect(parentOf("/x")).toBe(inode("/"));
  });

  it("makes nothing behind a symlink that leads nowhere, or below a file", () => {
    symlinkSync("/nowhere", join(directory, "dangling"));
    closeSync(openSync(join(directory, "file"), "w"));
    expect(() => parentOf("/dangling/x")).toThrow("EEXIST");
    expect(() => parentOf("/dangling/below/x")).toThrow("EEXIST");
    expect(() => parentOf("/file/below/x")).toThrow("ENOTDIR");
  });
});
