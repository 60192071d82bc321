import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { closeSync, ftruncateSync, mkdtempSync, openSync, readFileSync } from "node:fs";
import { readdirSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import type { GuestService } from "../shared/formats/wasm-guest.ts";
import { fcntl } from "../shared/linux/fcntl.ts";
import { MessageSocket } from "../shared/linux/message-socket.ts";
import { O_DIRECTORY, O_PATH } from "../shared/linux/openat2.ts";
import { watch } from "../shared/linux/readiness.ts";
import { createMemfd } from "../shared/linux/sealed-memfd.ts";
import { accept } from "../shared/linux/stream-io.ts";
import { listenIn } from "../shared/linux/unix-stream.ts";
import { startGuest } from "./guest-process.fixture.ts";

const F_ADD_SEALS = 1033;
const SHRINK = 2;
/** MiB that the process may grow by in each turn, whatever V8's heap does: 1 KB for each call is more. */
const GROWTH = 8;
/** Mappings that V8's heap may add. */
const MAPPINGS = 100;

const folder = mkdtempSync(join(tmpdir(), "pv-wasm-leaks-"));
afterAll(() => rmSync(folder, { recursive: true }));
const path = (name: string) => join(folder, name);

test("10,000 HTTP calls leave nothing in a guest's process", async () => {
  const output = await callInTurns((count) => ["bench", "rest", "/", String(count)]);
  expect(output.filter((line) => line.startsWith("calls"))).toEqual([
    expect.stringMatching(/^calls 2000 failed 0 /),
    expect.stringMatching(/^calls 10000 failed 0 /),
    expect.stringMatching(/^calls 10000 failed 0 /),
  ]);
}, 60_000);

test("10,000 calls of shared memory leave nothing there", async () => {
  using memory = provideMemory(folder, "memory");
  // The word makes five calls.
  const output = await callInTurns(
    (count) => repeated(["copy", "memory"], count / 5),
    memory.service,
  );
  expect(output.filter((line) => line === "write: errno 0")).toHaveLength(4_400);
}, 60_000);

const lacksBus = spawnSync("dbus-daemon", ["--version"]).error !== undefined;
test.skipIf(lacksBus)(
  "10,000 calls of a D-Bus method leave nothing there",
  async () => {
    const address = `--address=unix:path=${path("bus")}`;
    const daemon = spawn("dbus-daemon", ["--session", "--nofork", "--print-address", address], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    await once(daemon.stdout, "data"); // the address is printed once it listens
    try {
      const bus = { name: "bus", type: "dbus", socket: path("bus") };
      const call = ["call", "bus", "org.freedesktop.DBus,/,org.freedesktop.DBus,GetId,", ""];
      const output = await callInTurns((count) => repeated(call, count), bus);
      expect(output.filter((line) => line === "call: errno 0")).toHaveLength(22_000);
    } finally {
      daemon.kill();
    }
  },
  60_000,
);

function repeated(words: readonly string[], count: number): string[] {
  return Array.from({ length: count }, () => words).flat();
}

/**
 * Let a guest make 2,000 calls, then twice 10,000 more, and expect that these leave nothing: V8's heap may
 * grow once, a leak grows each time.
 * @param words words for so many calls
 * @returns what the guest has printed
 */
async function callInTurns(
  words: (count: number) => readonly string[],
  ...services: readonly GuestService[]
): Promise<string[]> {
  const seen: Holdings[] = [];
  const server = createServer((request, response) => {
    if (request.url === "/look") seen.push(holdingsOf(guest.pid));
    response.end("x".repeat(1000));
  }).listen(path("rest"));
  await once(server, "listening");
  const look = ["get", "rest", "/look"];
  await using guest = startGuest({
    words: [2_000, 10_000, 10_000].flatMap((count) => [...words(count), ...look]),
    requires: [{ name: "rest", type: "rest", socket: path("rest") }, ...services],
  });
  const { output } = await guest.ended;
  server.close();
  expect(seen).toHaveLength(3);
  const [first = NOTHING, second = NOTHING, third = NOTHING] = seen;
  expect(third.fds).toBe(first.fds);
  const least = (held: "mappings" | "memory"): number =>
    Math.min(second[held] - first[held], third[held] - second[held]);
  expect(least("mappings"), "mappings").toBeLessThan(MAPPINGS);
  expect(least("memory"), "MiB").toBeLessThan(GROWTH);
  return output;
}

/** Descriptors and memory of a process. */
interface Holdings {
  readonly fds: number;
  readonly mappings: number;
  /** Resident memory, in MiB. */
  readonly memory: number;
}
const NOTHING: Holdings = { fds: -1, mappings: 0, memory: 0 };

function holdingsOf(pid: number): Holdings {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return {
    fds: readdirSync(`/proc/${pid}/fd`).length,
    mappings: readFileSync(`/proc/${pid}/maps`, "utf8").split("\n").length,
    memory: Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024,
  };
}

/** A provider that sends its memory to each consumer. */
function provideMemory(
  folder: string,
  name: string,
): Disposable & { readonly service: GuestService } {
  const memory = createMemfd("memory");
  ftruncateSync(memory, 8192);
  fcntl(memory, F_ADD_SEALS, SHRINK);
  const directory = openSync(folder, O_PATH | O_DIRECTORY);
  const listener = listenIn(directory, name, 0o600, 8);
  closeSync(directory);
  const peers: MessageSocket[] = [];
  const watcher = watch(listener, () => {
    for (let fd = accept(listener); fd >= 0; fd = accept(listener)) {
      const peer = new MessageSocket(fd, "stream");
      peers.push(peer);
      peer.send(Buffer.from("x"), { fds: [memory] });
    }
  });
  return {
    service: { name, type: "unix", socket: join(folder, name) },
    [Symbol.dispose]() {
      watcher[Symbol.dispose]();
      for (const peer of peers) peer.close();
      for (const fd of [listener, memory]) closeSync(fd);
    },
  };
}
