import {
  closeSync,
  ftruncateSync,
  mkdtempSync,
  openSync,
  readSync,
  rmSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, expect, test } from "vitest";
import { fcntl } from "../../shared/linux/fcntl.ts";
import { MessageSocket } from "../../shared/linux/message-socket.ts";
import { O_DIRECTORY, O_PATH } from "../../shared/linux/openat2.ts";
import { POLLIN } from "../../shared/linux/poll.ts";
import { createMemfd } from "../../shared/linux/sealed-memfd.ts";
import { accept } from "../../shared/linux/stream-io.ts";
import { listenIn } from "../../shared/linux/unix-stream.ts";
import { waitReady } from "../../shared/linux/wait-ready.ts";
import { startGuest } from "../guest-process.fixture.ts";

const F_ADD_SEALS = 1033;
const SHRINK = 2;
const WRITE = 8;

const folder = mkdtempSync(join(tmpdir(), "pv-wasm-shm-"));
afterAll(() => rmSync(folder, { recursive: true }));
const open: Disposable[] = [];
afterEach(() => {
  for (const one of open.splice(0)) one[Symbol.dispose]();
});
function held(fd: number): number {
  open.push({ [Symbol.dispose]: () => closeSync(fd) });
  return fd;
}

/** Memory that begins with "hello", unless it is empty. */
function memory(seals: number, size = 8192): number {
  const fd = held(createMemfd("memory"));
  ftruncateSync(fd, size);
  if (size > 0) writeSync(fd, "hello", 0);
  fcntl(fd, F_ADD_SEALS, seals);
  return fd;
}

/**
 * Run the probe beside a provider that sends these to its first consumer, and closes the connection
 * when `closes` says so. The wait for the consumer blocks: the guest is another process.
 */
async function output(
  words: readonly string[],
  messages: readonly (readonly [text: string, fds: readonly number[]])[],
  closes = false,
): Promise<string[]> {
  const directory = held(openSync(folder, O_PATH | O_DIRECTORY));
  const listener = held(listenIn(directory, "s", 0o600, 8));
  await using guest = startGuest({
    words,
    requires: [{ name: "m", type: "unix", socket: join(folder, "s") }],
  });
  try {
    expect(waitReady([{ fd: listener, events: POLLIN }], 20_000)).toHaveLength(1);
    const peer = new MessageSocket(accept(listener), "stream");
    open.push(peer);
    for (const [text, fds] of messages) peer.send(Buffer.from(text), { fds });
    if (closes) peer.close();
    return (await guest.ended).output;
  } finally {
    rmSync(join(folder, "s"));
  }
}

test("memory is mapped over the guest's: each sees what the other writes, to the end of the guest", async () => {
  const fd = memory(SHRINK);
  expect(await output(["map", "m", "1", "map", "m", "1"], [["x", [fd]]])).toEqual([
    "map: errno 0 size 8192",
    "seen hello",
    // Nothing is mapped over what is mapped.
    "map: errno 28 size 0",
  ]);
  const seen = Buffer.alloc(11);
  readSync(fd, seen, 0, 11, 0);
  expect(seen.toString()).toBe("hello guest");
});

test("the descriptor may come behind bytes of its provider", async () => {
  const messages = [
    ["a greeting", []],
    ["x", [memory(SHRINK)]],
  ] as const;
  expect((await output(["map", "m", "0"], messages))[0]).toBe("map: errno 0 size 8192");
});

test("memory that is sealed against writing is mapped for reading alone", async () => {
  const fd = memory(SHRINK | WRITE);
  expect(await output(["map", "m", "1", "map", "m", "0"], [["x", [fd]]])).toEqual([
    "map: errno 2 size 8192",
    "map: errno 0 size 8192",
    "seen hello",
  ]);
});

test.each([
  ["may shrink", () => memory(0), 2],
  ["is empty", () => memory(SHRINK, 0), 35],
  ["is larger than the place for it", () => memory(SHRINK, 131_073), 35],
  ["is larger than 32 bits", () => memory(SHRINK, 2 ** 32), 35],
  ["is a file", () => held(openSync(import.meta.filename, "r")), 65],
  ["is a directory", () => held(openSync(folder, "r")), 65],
])("a descriptor is refused that %s", async (_what, make, errno) => {
  const [line] = await output(["map", "m", "0"], [["x", [make()]]]);
  expect(line).toMatch(new RegExp(`^map: errno ${errno} `));
});

test("two descriptors are refused, and a provider that leaves without any", async () => {
  const both = [["x", [memory(SHRINK), memory(SHRINK)]]] as const;
  expect(await output(["map", "m", "0"], both)).toEqual(["map: errno 65 size 0"]);
  expect(await output(["map", "m", "0"], [["x", []]], true)).toEqual(["map: errno 15 size 0"]);
});

test("copies stay inside of the memory, which they never make longer", async () => {
  expect(await output(["copy", "m"], [["x", [memory(SHRINK)]]])).toEqual([
    "size: errno 0",
    "bytes 8192",
    "read: errno 0 hello",
    "write: errno 0",
    "beyond: errno 28",
  ]);
});
