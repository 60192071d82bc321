import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer } from "node:net";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { batchWrites } from "./write-batch.ts";
import { PolledStream } from "./polled-stream.ts";
import { takeDescriptor } from "./take-descriptor.fixture.ts";

const directory = mkdtempSync(join(tmpdir(), "polled-"));
const path = join(directory, "s.sock");
const server = createServer({ allowHalfOpen: true, pauseOnConnect: true });
beforeAll(async () => {
  server.listen(path);
  await once(server, "listening");
});
afterAll(() => {
  server.close();
  rmSync(directory, { recursive: true });
});

/** A stream, its peer, and a record of its owner's callbacks. */
async function pair() {
  const peer = connect({ path, allowHalfOpen: true });
  const [accepted] = (await once(server, "connection")) as [Socket];
  const told: string[] = [];
  const stream = new PolledStream(takeDescriptor(accepted), {
    onReadable: () => {
      const bytes = stream.read();
      told.push(bytes?.toString() ?? (stream.ended ? "end" : "nothing"));
    },
    onDrained: () => told.push("drained"),
    onGone: () => told.push("gone"),
  });
  return { stream, peer, told };
}

test("a peer that ends is told from one that closes", async () => {
  const { stream, peer, told } = await pair();
  peer.end("last words");
  await vi.waitUntil(() => told.includes("end"), { timeout: 10_000 });
  expect(told).toEqual(["last words", "end"]);
  expect(stream.gone).toBe(false);
  peer.destroy();
  await vi.waitUntil(() => told.includes("gone"), { timeout: 10_000 });
  expect(told).toEqual(["last words", "end", "gone"]);
  stream.close();
});

test("a peer that closes is noticed while nothing is read, and its bytes are still there", async () => {
  const { stream, peer, told } = await pair();
  stream.pause();
  peer.write("unread", () => peer.destroy());
  await vi.waitUntil(() => told.includes("gone"), { timeout: 10_000 });
  stream.resume();
  await vi.waitUntil(() => told.includes("end"), { timeout: 10_000 });
  expect(told).toEqual(["gone", "unread", "end"]);
  stream.close();
});

test("gathered and direct writes go out in order, and a stall keeps the rest", async () => {
  const { stream, peer, told } = await pair();
  const large = Buffer.alloc(1024 * 1024, "x");
  batchWrites(() => {
    stream.writeText("head ");
    stream.write(Buffer.from("small "));
    stream.write(large);
    stream.writeText(" tail");
  });
  expect(stream.stalled).toBe(true);
  stream.end();
  const parts: Buffer[] = [];
  for await (const part of peer as AsyncIterable<Buffer>) parts.push(part);
  expect(Buffer.concat(parts).equals(Buffer.from(`head small ${large.toString()} tail`))).toBe(
    true,
  );
  expect(told).toContain("drained");
  stream.close();
});

test("any number of small pieces behind a stall arrive in order", async () => {
  const { stream, peer } = await pair();
  const pieces = Array.from({ length: 4_096 }, (_, at) => Buffer.alloc(512, `${at} `));
  for (const piece of pieces) stream.write(piece);
  expect(stream.stalled).toBe(true);
  stream.end();
  const parts: Buffer[] = [];
  for await (const part of peer as AsyncIterable<Buffer>) parts.push(part);
  expect(Buffer.concat(parts).equals(Buffer.concat(pieces))).toBe(true);
  stream.close();
});

test("closeSoon closes behind the last byte, close at once", async () => {
  const slow = await pair();
  slow.stream.write(Buffer.alloc(1024 * 1024));
  slow.stream.closeSoon();
  expect(slow.stream.closed).toBe(false);
  let count = 0;
  for await (const part of slow.peer as AsyncIterable<Buffer>) count += part.length;
  expect(count).toBe(1024 * 1024);
  expect(slow.stream.closed).toBe(true);

  const fast = await pair();
  fast.stream.write(Buffer.alloc(1024 * 1024));
  fast.stream.close();
  expect(fast.stream.closed).toBe(true);
  fast.peer.destroy();
});

test("a peer that reads no more leaves the reading half as it is", async () => {
  const { stream, peer, told } = await pair();
  peer.write("answer", () => peer.destroy());
  await once(peer, "close");
  stream.write(Buffer.from("nobody reads this"));
  expect(stream.stalled).toBe(false);
  await vi.waitUntil(() => told.includes("end"), { timeout: 10_000 });
  expect(told[0]).toBe("answer");
  stream.close();
});

test("a socket that has been read from does not give its descriptor", async () => {
  const peer = connect({ path, allowHalfOpen: true });
  const [accepted] = (await once(server, "connection")) as [Socket];
  accepted.on("readable", () => undefined);
  peer.write("x");
  await vi.waitUntil(() => accepted.readableLength > 0, { timeout: 10_000 });
  expect(() => takeDescriptor(accepted)).toThrow("read from");
  expect(accepted.destroyed).toBe(true);
  peer.destroy();
});
