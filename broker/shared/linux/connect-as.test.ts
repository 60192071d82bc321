import { closeSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { connectAs } from "./connect-as.ts";
import { check, libc } from "./libc.ts";
import { O_DIRECTORY, O_PATH } from "./openat2.ts";
import { listenIn } from "./unix-stream.ts";

const accept = libc.func("int accept(int, void *, void *)") as (
  fd: number,
  address: null,
  length: null,
) => number;
const getsockopt = libc.func("int getsockopt(int, int, int, void *, void *)") as (
  fd: number,
  level: number,
  option: number,
  value: Buffer,
  length: Buffer,
) => number;

const SOL_SOCKET = 1;
const SO_PEERCRED = 17;
const SO_PEERGROUPS = 59;

function option(fd: number, name: number): number[] {
  const value = Buffer.alloc(64);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(value.length);
  check(getsockopt(fd, SOL_SOCKET, name, value, length), "getsockopt");
  const count = length.readUInt32LE() / 4;
  return Array.from({ length: count }, (_, index) => value.readUInt32LE(index * 4));
}

it.skipIf(process.getuid?.() !== 0)(
  "shows the given credentials to the acceptor and takes its own back (needs root)",
  () => {
    const path = mkdtempSync(join(tmpdir(), "pvh-as-"));
    const directory = openSync(path, O_PATH | O_DIRECTORY);
    const listener = listenIn(directory, "s", 0o666, 1);
    const inode = openSync(join(path, "s"), O_PATH);

    const near = connectAs(inode, { uid: 65534, gid: 65533, groups: [100, 101] });
    const far = check(accept(listener, null, null), "accept");
    expect(option(far, SO_PEERCRED)).toEqual([process.pid, 65534, 65533]);
    expect(option(far, SO_PEERGROUPS)).toEqual([100, 101]);
    expect([process.geteuid?.(), process.getegid?.()]).toEqual([0, 0]);
    expect(process.getgroups?.()).not.toContain(100);

    // The backlog is full from here on: the credentials come back on failure too.
    const waiting = connectAs(inode, { uid: 1, gid: 1, groups: [] });
    const another = connectAs(inode, { uid: 1, gid: 1, groups: [] });
    expect(() => connectAs(inode, { uid: 1, gid: 1, groups: [] })).toThrow("EAGAIN");
    expect(process.geteuid?.()).toBe(0);

    for (const fd of [near, far, waiting, another, inode, listener, directory]) closeSync(fd);
    rmSync(path, { recursive: true });
  },
);
