import { readdirSync } from "node:fs";
import { setImmediate as immediate } from "node:timers/promises";
import fc from "fast-check";
import { expect, test } from "vitest";
import { METHOD_CALL, NO_REPLY_EXPECTED } from "../../../shared/protocols/dbus/message-header.ts";
import { MessageSplitter } from "../../../shared/protocols/dbus/message-splitter.ts";
import { strings, writeMessage } from "../../../shared/protocols/dbus/write-message.ts";
import { PROPERTY_RUNS } from "../../../shared/formats/property-runs.fixture.ts";
import { dbusPlugin } from "./dbus.ts";
import { Bench, readText } from "../socket-bench.fixture.ts";

/** Number of sessions that are open at once. */
const SESSIONS = 20;

/** A call with a valid header and an argument that goes beyond the body. */
const BAD_CALL = writeMessage({
  type: METHOD_CALL,
  serial: 99,
  path: "/p",
  interface: "org.freedesktop.DBus",
  member: "AddMatch",
  destination: "org.freedesktop.DBus",
  body: { signature: "s", bytes: Buffer.from([200, 0, 0, 0, 0]) },
}).toString("latin1");

const message = fc.record({
  allowed: fc.boolean(),
  silent: fc.boolean(),
  size: fc.oneof({ weight: 79, arbitrary: fc.nat(60) }, { weight: 1, arbitrary: fc.nat(70_000) }),
});
const session = fc.record({
  messages: fc.array(message, { maxLength: 4 }),
  /** Bytes behind the messages that are no message. */
  noise: fc.constantFrom(
    "",
    BAD_CALL,
    "noise that is not D-Bus",
    "l\x01\x00\x01",
    "\0\0\0\0".repeat(5),
  ),
  cuts: fc.array(fc.nat(400), { maxLength: 4 }),
  negotiates: fc.boolean(),
});
type Session = typeof session extends fc.Arbitrary<infer T> ? T : never;

test("allowed messages arrive, others do not, and every session ends on both sides", async () => {
  using bench = new Bench({
    plugin: dbusPlugin,
    uid: 0,
    extensions: { rules: [[{ access: "talk", name: "a.b" }]] },
  });
  await bench.start();
  const received = new Map<string, string[]>();
  await bench.provide((socket) => {
    let text = "";
    socket.on("data", (chunk: Buffer) => {
      const isBegun = text.includes("BEGIN\r\n");
      text += chunk.toString("latin1");
      if (!isBegun && chunk.includes("AUTH")) socket.write(`OK ${"0".repeat(32)}\r\n`);
    });
    socket.on("end", () => socket.end());
    socket.on("close", () => {
      const bytes = Buffer.from(text.slice(text.indexOf("BEGIN\r\n") + 7), "latin1");
      for (const [id, what] of messagesIn(bytes)) {
        received.set(id, [...(received.get(id) ?? []), what]);
      }
    });
  });
  const follow = async ({ messages, noise, cuts, negotiates }: Session, id: number) => {
    const calls = messages.map(({ allowed, silent, size }, index) =>
      writeMessage({
        type: METHOD_CALL,
        flags: silent ? NO_REPLY_EXPECTED : 0,
        serial: index + 1,
        path: `/s${id}`,
        interface: "i.j",
        member: `M${index}`,
        destination: allowed ? "a.b" : "x.y",
        body: strings("z".repeat(size)),
      }),
    );
    const consumer = bench.consume();
    const hello = `\0AUTH EXTERNAL 30\r\n${negotiates ? "NEGOTIATE_UNIX_FD\r\n" : ""}BEGIN\r\n`;
    const wire = Buffer.concat([Buffer.from(hello), ...calls, Buffer.from(noise, "latin1")]);
    const points = cuts.filter((cut) => cut < wire.length).sort((a, b) => a - b);
    for (const [n, from] of [0, ...points].entries())
      consumer.write(wire.subarray(from, points[n]));
    consumer.end();
    const text = await readText(consumer);
    consumer.destroy();
    const refused = messages.filter(({ allowed, silent }) => !allowed && !silent);
    expect(text.match(/AccessDenied\0/g) ?? []).toHaveLength(refused.length);
    return messages.flatMap(({ allowed }, index) => (allowed ? [`M${index}`] : []));
  };
  const settled = async () => {
    while (bench.openSockets > 0) await immediate();
  };
  await follow({ messages: [], noise: "", cuts: [], negotiates: false }, 0);
  await settled();
  const before = readdirSync("/proc/self/fd").length;
  const together = fc.array(session, { minLength: SESSIONS, maxLength: SESSIONS });
  await fc.assert(
    fc.asyncProperty(together, async (sessions) => {
      received.clear();
      const expected = await Promise.all(sessions.map(follow));
      await settled();
      expect(sessions.map((_, id) => received.get(`/s${id}`) ?? [])).toEqual(expected);
    }),
    { numRuns: Math.ceil(PROPERTY_RUNS / SESSIONS) },
  );
  expect(readdirSync("/proc/self/fd").length).toBeLessThanOrEqual(before);
}, 120_000);

/** Path and member of each message; a malformed or incomplete one throws. */
function messagesIn(bytes: Buffer): [string, string][] {
  const splitter = new MessageSplitter(() => false);
  const seen: [string, string][] = [];
  splitter.push(bytes);
  while (splitter.advance()) {
    if (splitter.header !== undefined) seen.push([splitter.header.path, splitter.header.member]);
  }
  if (splitter.inMessage || splitter.isBehind) seen.push(["", "half a message"]);
  return seen;
}
