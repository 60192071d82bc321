import { execFileSync } from "node:child_process";
import {
  closeSync,
  constants,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { tmpdir } from "node:os";
import { afterEach, describe, expect, it } from "vitest";
import { fdKind } from "./fd-kind.ts";
import { O_PATH } from "./openat2.ts";
import { openPidfd } from "./pidfd.ts";
import { createMemfd } from "./sealed-memfd.ts";
import { createEpoll, createEventfd, socketPair } from "./socket-pair.fixture.ts";

const open: number[] = [];
const directory = mkdtempSync(join(tmpdir(), "pvh-kind-"));

function kindOf(fd: number): string {
  open.push(fd);
  const { type, name } = fdKind(fd);
  return type === undefined ? `no ${name}` : type;
}

function inDirectory(name: string): number {
  const path = join(directory, name);
  writeFileSync(path, "content");
  return openSync(path, "r");
}

afterEach(() => {
  for (const fd of open.splice(0)) closeSync(fd);
  rmSync(directory, { recursive: true, force: true });
});

describe("fdKind", () => {
  it("knows what may be authorised", () => {
    const [one, other] = socketPair("stream");
    expect(fdKind(one.fd).type).toBe("socket");
    one.close();
    other.close();
    expect(kindOf(createMemfd("m"))).toBe("memfd");
    expect(kindOf(createEventfd())).toBe("eventfd");
    expect(kindOf(openSync("/dev/null", "r"))).toBe("device");
    expect(kindOf(openSync("/etc/passwd", "r"))).toBe("file");
    mkdirSync(directory, { recursive: true });
    execFileSync("mkfifo", [join(directory, "fifo")]);
    expect(kindOf(openSync(join(directory, "fifo"), constants.O_RDWR))).toBe("pipe");
  });

  it("takes no file for a memfd or an eventfd because of its name", () => {
    mkdirSync(directory, { recursive: true });
    expect(kindOf(inDirectory("memfd:x (deleted)"))).toBe("file");
    expect(kindOf(inDirectory("anon_inode:[eventfd]"))).toBe("file");
  });

  it.skipIf(process.getuid?.() !== 0)("takes no deleted file of a tmpfs for a memfd", () => {
    const path = "/dev/shm/pvh-kind-test";
    writeFileSync(path, "");
    const fd = openSync(path, "r");
    rmSync(path);
    expect(kindOf(fd)).toBe("file");
  });

  it("refuses what opens more than itself", () => {
    expect(kindOf(openSync("/", "r"))).toBe("no directory");
    expect(kindOf(openSync("/etc/passwd", O_PATH))).toBe("no O_PATH");
    expect(kindOf(openSync("/proc/self/ns/mnt", "r"))).toBe("no namespace");
    expect(kindOf(openPidfd(process.pid))).toMatch(/^no (pidfd|anonymous)$/);
    expect(kindOf(createEpoll())).toBe("no anonymous");
  });
});
