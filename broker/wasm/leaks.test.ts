import { once } from "node:events";
import { closeSync, ftruncateSync, mkdtempSync, openSync, readFileSync } from "node:fs";
import { readdirSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
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
/** MiB that the process may grow by, whatever V8's heap does: 1 KB for each call is more. */
const GROWTH = 8;
/** Mappings that V8's heap may add. */
const MAPPINGS = 100;

test("10,000 HTTP calls and 10,000 of shared memory leave nothing in a guest's process", async () => {
  await using stack = new AsyncDisposableStack();
  const folder = mkdtempSync(join(tmpdir(), "pv-wasm-leaks-"));
  stack.defer(() => rmSync(folder, { recursive: true }));
  const path = (name: string) => join(folder, name);
  const frames = provideMemory(folder, "m");
  stack.defer(() => frames[Symbol.dispose]());
  const seen: Holdings[] = [];
  const server = createServer((request, response) => {
    if (request.url === "/look") seen.push(holdingsOf(guest.pid));
    response.end("x".repeat(1000));
  }).listen(path("p"));
  stack.defer(() => void server.close());
  await once(server, "listening");
  // The word `copy` makes five calls.
  const calls = (count: number) => [
    ...Array.from({ length: count / 5 }, () => ["copy", "m"]).flat(),
    ...["bench", "p", "/", String(count), "get", "p", "/look"],
  ];
  const guest = stack.use(
    startGuest({
      words: [...calls(2_000), ...calls(10_000)],
      requires: [
        { name: "p", type: "rest", socket: path("p") },
        { name: "m", type: "unix", socket: path("m") },
      ],
    }),
  );
  const { output } = await guest.ended;
  expect(output.filter((line) => line.startsWith("calls"))).toEqual([
    expect.stringMatching(/^calls 2000 failed 0 /),
    expect.stringMatching(/^calls 10000 failed 0 /),
  ]);
  expect(output.filter((line) => line === "write: errno 0")).toHaveLength(2_400);
  const [before = NOTHING, after = NOTHING] = seen;
  expect(after.fds).toBe(before.fds);
  expect(after.mappings - before.mappings).toBeLessThan(MAPPINGS);
  expect(after.memory - before.memory).toBeLessThan(GROWTH);
}, 60_000);

/** What a process holds. */
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
function provideMemory(folder: string, name: string): Disposable {
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
    [Symbol.dispose]() {
      watcher[Symbol.dispose]();
      for (const peer of peers) peer.close();
      for (const fd of [listener, memory]) closeSync(fd);
    },
  };
}
