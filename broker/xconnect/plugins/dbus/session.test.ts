import type { Socket } from "node:net";
import { expect, test } from "vitest";
import { METHOD_CALL, SIGNAL } from "../../../shared/protocols/dbus/message-header.ts";
import { strings, writeMessage } from "../../../shared/protocols/dbus/write-message.ts";
import type { DbusRule } from "./rules.ts";
import { dbusPlugin } from "./dbus.ts";
import { Bench, readText } from "../socket-bench.fixture.ts";
import { sendPieces, settled } from "../socket-progress.fixture.ts";

const MIB = 1024 * 1024;
const DRIVER = "org.freedesktop.DBus";
const TALK = "org.pvh.Talk";
const BLOCK = signal({ body: strings("x".repeat(1024)) });
const LAST = signal({ member: "Last" });
const DENIED = writeMessage({
  type: METHOD_CALL,
  serial: 1,
  path: "/",
  member: "M",
  destination: TALK,
});
const NEW_OWNER = signal({
  sender: DRIVER,
  interface: DRIVER,
  member: "NameOwnerChanged",
  body: strings(TALK, "", ":1.1"),
});

test.each(["provider", "consumer"])(
  "a %s that does not read what it is sent is still heard",
  async (who) => {
    using both = await open([{ access: "own" }]);
    const [silent, other] =
      who === "provider" ? [both.provider, both.consumer] : [both.consumer, both.provider];
    const sent = sendPieces(other, BLOCK, 32 * 1024);
    expect((await settled(() => sent.count)) * BLOCK.length).toBeLessThan(4 * MIB);
    silent.write(LAST);
    expect(await readText(other, (text) => text.includes("Last"))).toContain("Last");
  },
);

test("a side that does not read the broker's answers is paused, and gets all of them later", async () => {
  using both = await open([{ access: "own", name: "org.pvh.Own" }]);
  const count = 40_000;
  const sent = sendPieces(both.consumer, DENIED, count);
  expect((await settled(() => sent.count)) * DENIED.length).toBeLessThan(4 * MIB);
  expect(await countIn(both.consumer, "Error.AccessDenied\0", count)).toBe(count);
});

test("a bus that does not take what it causes is read no further, and loses nothing", async () => {
  using both = await open([{ access: "talk", name: TALK }]);
  const count = 40_000;
  const sent = sendPieces(both.provider, NEW_OWNER, count);
  both.consumer.resume();
  expect((await settled(() => sent.count)) * NEW_OWNER.length).toBeLessThan(4 * MIB);
  expect(await countIn(both.provider, "org.pantavisor.Xconnect1\0", count)).toBe(count);
});

interface Both extends Disposable {
  readonly consumer: Socket;
  readonly provider: Socket;
}

/** A session after BEGIN, of which neither side is read. */
async function open(rules: readonly DbusRule[]): Promise<Both> {
  const bench = new Bench({ plugin: dbusPlugin, role: "nobody", entry: { rules: [rules] } });
  await bench.start();
  const begun = Promise.withResolvers<Socket>();
  await bench.provide((socket) => {
    void readText(socket, (text) => text.endsWith("\r\n")).then(async () => {
      socket.write(`OK ${"0".repeat(32)}\r\n`);
      await readText(socket, (text) => text.endsWith("BEGIN\r\n"));
      begun.resolve(socket);
    });
  });
  const consumer = bench.consume();
  consumer.write("\0AUTH EXTERNAL 30\r\n");
  await readText(consumer, (text) => text.endsWith("\r\n"));
  consumer.write("BEGIN\r\n");
  return {
    consumer,
    provider: await begun.promise,
    [Symbol.dispose]: () => bench[Symbol.dispose](),
  };
}

/** Wait until the text has come `wanted` times. @returns how often it has come */
async function countIn(socket: Socket, text: string, wanted: number): Promise<number> {
  let count = 0;
  let rest = "";
  for await (const chunk of socket.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    const parts = (rest + chunk.toString("latin1")).split(text);
    rest = (parts.at(-1) ?? "").slice(-text.length);
    count += parts.length - 1;
    if (count >= wanted) return count;
  }
  return count;
}

function signal(parts: Partial<Parameters<typeof writeMessage>[0]>): Buffer {
  return writeMessage({
    type: SIGNAL,
    serial: 7,
    path: "/p",
    interface: "org.pvh.Any",
    member: "Any",
    ...parts,
  });
}
