import { closeSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { O_PATH } from "./openat2.ts";
import { canRefuseFds, refuseFds } from "./pass-rights.ts";
import { sendDescriptor } from "./send-descriptor.fixture.ts";
import { accept } from "./stream-io.ts";
import { connectToInode, listenIn } from "./unix-stream.ts";

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
    expect(sendDescriptor(client, folder)).toBe(EPERM);
    const server = kept(accept(listener));
    expect(sendDescriptor(client, folder)).toBe(EPERM);
    expect(sendDescriptor(server, folder)).toBe(0);
  });

  it("gives EPERM to a server that sends to a client", () => {
    const listener = kept(listenIn(folder, "s", 0o600, 1));
    const client = dial(refuseFds);
    const server = kept(accept(listener));
    expect(sendDescriptor(server, folder)).toBe(EPERM);
    expect(sendDescriptor(client, folder)).toBe(0);
  });
});
