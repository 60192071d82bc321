import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import type { Socket } from "node:net";
import { createHash, randomBytes } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { dial, readAll } from "../links/broker.fixture.ts";
import { proxyBytes } from "./byte-plane.ts";

const directories: string[] = [];

/** Two connected half-open stream sockets; the second is accepted and paused. */
async function pair(): Promise<[Socket, Socket]> {
  const directory = mkdtempSync(join(tmpdir(), "pvh-plane-"));
  directories.push(directory);
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true });
  server.listen(join(directory, "s"));
  await once(server, "listening");
  const accepted = once(server, "connection") as Promise<[Socket]>;
  const near = await dial(join(directory, "s"));
  const [far] = await accepted;
  server.close();
  return [near, far];
}

async function session(signal = new AbortController().signal) {
  const [[consumer, one], [provider, other]] = await Promise.all([pair(), pair()]);
  const ended = proxyBytes(one, other, signal);
  return { consumer, provider, ended, one, other };
}

afterEach(() => {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true });
});

describe("proxyBytes", () => {
  it("passes on a half-close at once and carries the answer", async () => {
    const { consumer, provider, ended } = await session();
    consumer.end("request");
    expect(await readAll(provider)).toBe("request");
    provider.end("answer");
    expect(await readAll(consumer)).toBe("answer");
    await ended;
  });

  it("delivers all bytes both ways at once, in order, before the end", async () => {
    const { consumer, provider, ended } = await session();
    const [up, down] = [randomBytes(8 << 20), randomBytes(8 << 20)];
    const digest = async (socket: Socket) => {
      const hash = createHash("sha256");
      socket.on("data", (chunk: Buffer) => hash.update(chunk));
      await once(socket, "end");
      return hash.digest("hex");
    };
    const digests = Promise.all([digest(provider), digest(consumer)]);
    consumer.end(up);
    provider.end(down);
    expect(await digests).toEqual(
      [up, down].map((bytes) => createHash("sha256").update(bytes).digest("hex")),
    );
    await ended;
  });

  it("stops reading from a side whose other side does not read", async () => {
    const { consumer, provider, other, ended } = await session();
    provider.pause();
    let accepted = 0;
    const chunk = Buffer.alloc(64 * 1024);
    // Write until the kernel and the proxy take no more.
    while (consumer.write(chunk)) accepted += chunk.length;
    for (let blocked = 0; blocked < 50;) {
      if (consumer.writableLength === 0) {
        accepted += chunk.length;
        consumer.write(chunk);
        blocked = 0;
      } else blocked += 1;
      await new Promise(setImmediate);
    }
    expect(accepted).toBeLessThan(4 << 20);
    expect(other.writableLength).toBeLessThan(1 << 20);
    consumer.destroy();
    provider.destroy();
    await ended;
  });

  it("ends the provider's side after the bytes of a consumer that has gone", async () => {
    const { consumer, provider, ended } = await session();
    consumer.write("last words");
    await new Promise<void>((resolve) => consumer.end(resolve));
    consumer.destroy();
    expect(await readAll(provider)).toBe("last words");
    provider.end("nobody hears this");
    await ended;
  });

  it("ends both sides when the link goes", async () => {
    const stop = new AbortController();
    const { consumer, provider, ended } = await session(stop.signal);
    const ends = Promise.all([readAll(consumer), readAll(provider)]);
    stop.abort();
    await ended;
    expect(await ends).toEqual(["", ""]);
  });

  it("returns when a side was closed before", async () => {
    const [[consumer, one], [, other]] = await Promise.all([pair(), pair()]);
    consumer.destroy();
    one.destroy();
    await once(one, "close");
    const { signal } = new AbortController();
    await proxyBytes(one, other, signal);
    expect(other.destroyed).toBe(true);
  });
});
