import koffi from "koffi";
import { closeSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { lastErrno, libc } from "./libc.ts";
import { O_PATH } from "./openat2.ts";
import { canRefuseFds, refuseFds } from "./pass-rights.ts";
import { accept } from "./stream-io.ts";
import { connectToInode, listenIn } from "./unix-stream.ts";

const sendmsg = libc.func("int64_t sendmsg(int, void *, int)") as (
  fd: number,
  message: Buffer,
  flags: number,
) => number;

/** sendmsg(2) of one byte with one fd (SCM_RIGHTS). @returns 0 or the errno */
function sendFd(socket: number, fd: number): number {
  const byte = Buffer.from("x");
  const control = Buffer.alloc(24);
  control.writeBigUInt64LE(20n, 0);
  control.writeInt32LE(1, 8);
  control.writeInt32LE(1, 12);
  control.writeInt32LE(fd, 16);
  const vector = Buffer.alloc(16);
  vector.writeBigUInt64LE(koffi.address(byte), 0);
  vector.writeBigUInt64LE(1n, 8);
  const message = Buffer.alloc(56);
  message.writeBigUInt64LE(koffi.address(vector), 16);
  message.writeBigUInt64LE(1n, 24);
  message.writeBigUInt64LE(koffi.address(control), 32);
  message.writeBigUInt64LE(24n, 40);
  return sendmsg(socket, message, 0) === -1 ? lastErrno() : 0;
}

describe.skipIf(!canRefuseFds())("refuseFds (needs Linux 6.16)", () => {
  const { EPERM } = constants.errno;
  let directory: string;
  let folder: number;
  const open: number[] = [];
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "pvh-rights-"));
    folder = openSync(directory, O_PATH);
  });
  afterEach(() => {
    for (const fd of open.splice(0)) closeSync(fd);
    closeSync(folder);
    rmSync(directory, { recursive: true });
  });
  const kept = (fd: number) => (open.push(fd), fd);

  function dial(prepare?: (socket: number) => void): number {
    const inode = openSync(join(directory, "s"), O_PATH);
    try {
      return kept(connectToInode(inode, prepare === undefined ? {} : { prepare }));
    } finally {
      closeSync(inode);
    }
  }

  it("gives EPERM to a client that sends fds, also before its connection is accepted", () => {
    const listener = kept(listenIn(folder, "s", 0o600, 1, { prepare: refuseFds }));
    const client = dial();
    expect(sendFd(client, folder)).toBe(EPERM);
    const server = kept(accept(listener));
    expect(sendFd(client, folder)).toBe(EPERM);
    expect(sendFd(server, folder)).toBe(0);
  });

  it("gives EPERM to a server that sends to a client", () => {
    const listener = kept(listenIn(folder, "s", 0o600, 1));
    const client = dial(refuseFds);
    const server = kept(accept(listener));
    expect(sendFd(server, folder)).toBe(EPERM);
    expect(sendFd(client, folder)).toBe(0);
  });
});
