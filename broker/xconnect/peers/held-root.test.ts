import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdirSync, mkdtempSync, openSync, readlinkSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Interface } from "node:readline";
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { O_DIRECTORY, O_PATH } from "../../shared/linux/openat2.ts";
import { openPidfd } from "../../shared/linux/pidfd.ts";
import { HeldRoot } from "./held-root.ts";

/** A process that changes its root for each line that it reads, and prints that it has. */
const ROAMER = `
import os, sys
print("ready", flush=True)
for line in sys.stdin:
    os.chroot(line.strip())
    print("moved", flush=True)
`;

describe.skipIf(process.getuid?.() !== 0)("a root that is held (chroot needs root)", () => {
  const folder = mkdtempSync(join(tmpdir(), "held-"));
  for (const name of ["one", "one/two"]) mkdirSync(join(folder, name));
  let child: ReturnType<typeof roam>;
  let lines: Interface;
  let held: HeldRoot;
  let opened: number[];
  let pidfd: number;

  function roam() {
    return spawn("python3", ["-c", ROAMER], { stdio: ["pipe", "pipe", "inherit"] });
  }

  async function move(to: string): Promise<void> {
    child.stdin.write(`${to}\n`);
    expect(await once(lines, "line")).toEqual(["moved"]);
  }

  /** The path that the descriptor leads to, or the error code when it is closed. */
  const placeOf = (fd: number) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch (error) {
      return String(error);
    }
  };
  const isOpen = (fd: number) => placeOf(fd).startsWith(folder);

  beforeEach(async () => {
    child = roam();
    lines = createInterface(child.stdout);
    expect(await once(lines, "line")).toEqual(["ready"]);
    await move(join(folder, "one"));
    const pid = child.pid ?? -1;
    pidfd = openPidfd(pid);
    opened = [];
    held = new HeldRoot(pid, pidfd, () => {
      const fd = openSync(`/proc/${pid}/root`, O_PATH | O_DIRECTORY);
      opened.push(fd);
      return fd;
    });
  });

  afterEach(async () => {
    held.release();
    closeSync(pidfd);
    if (child.exitCode === null && child.signalCode === null) {
      child.kill();
      await once(child, "exit");
    }
  });

  test("is opened once", () => {
    const fd = held.lend();
    expect([held.lend(), held.lend()]).toEqual([fd, fd]);
    expect(opened).toEqual([fd]);
    held.release();
    expect(isOpen(fd)).toBe(false);
  });

  test("is opened anew when the process has another one", async () => {
    held.lend();
    await move("/two");
    expect(readlinkSync(`/proc/self/fd/${held.lend()}`)).toBe(join(folder, "one/two"));
    expect(opened).toHaveLength(2);
  });

  test("is let go when the process ends, though nobody uses it", async () => {
    const fd = held.lend();
    expect(placeOf(fd)).toBe(join(folder, "one"));
    child.kill();
    await vi.waitUntil(() => !isOpen(fd), { timeout: 10_000 });
  });

  test("is not lent for a process that has ended", async () => {
    held.lend();
    child.kill();
    await once(child, "exit");
    expect(() => held.lend()).toThrow("ENOENT");
  });

  afterAll(() => rmSync(folder, { recursive: true }));
});
