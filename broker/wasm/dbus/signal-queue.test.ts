import { expect, test } from "vitest";
import { SIGNAL, parseHeader } from "../../shared/protocols/dbus/message-header.ts";
import { parseMatchRule } from "../../shared/protocols/dbus/match-rule.ts";
import { writeMessage } from "../../shared/protocols/dbus/write-message.ts";
import type { BusMessage } from "./bus-connection.ts";
import { SignalQueue } from "./signal-queue.ts";

function queueOf(rule: string): SignalQueue {
  return new SignalQueue(parseMatchRule(rule) ?? new Map());
}

function signal(path: string, member = "Changed", bytes = 0): BusMessage {
  const parts = { type: SIGNAL, serial: 1, path, interface: "org.pvh.I", member };
  return { header: parseHeader(writeMessage(parts), 0), body: Buffer.alloc(bytes) };
}

test("signals that fit the rule come in order, others do not", () => {
  const queue = queueOf("type='signal',path_namespace='/a',member='Changed'");
  const fitting = [signal("/a"), signal("/a/b")];
  for (const one of [signal("/ab"), ...fitting, signal("/a", "Other")]) queue.offer(one);
  expect([queue.take(), queue.take(), queue.take()]).toEqual([...fitting, undefined]);
});

test.each([
  ["more signals", 300, 0, 256],
  ["more bytes", 3, 600_000, 1],
])("%s than it keeps are told once, behind those that it has", (_what, count, bytes, kept) => {
  const queue = queueOf("");
  for (let index = 0; index < count; index += 1) queue.offer(signal("/a", "Changed", bytes));
  for (let index = 0; index < kept; index += 1) expect(queue.take()).toBeDefined();
  expect(() => queue.take()).toThrow("ENOBUFS");
  expect(queue.take()).toBeUndefined();
});
