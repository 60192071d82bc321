import { closeSync, fstatSync, openSync, readSync, writeSync } from "node:fs";
import { execFileSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { PACKET_LIMIT } from "./message-socket.ts";
import type { MessageSocket, Received } from "./message-socket.ts";
import { createMemfd, sealedMemfd } from "./sealed-memfd.ts";
import { createEventfd, socketPair } from "./socket-pair.fixture.ts";
import type { Readiness } from "./readiness.ts";

const noControl = { fds: [] };

function message(received: Received | undefined): Extract<Received, { type: "message" }> {
  if (received?.type !== "message") throw new Error(`no message: ${received?.type}`);
  return { ...received, bytes: Buffer.from(received.bytes) };
}

function text(socket: MessageSocket, options?: { exact: boolean }): string {
  const received = message(socket.receive(options));
  for (const fd of received.fds) closeSync(fd);
  return `${received.bytes.toString()}+${received.fds.length}`;
}

describe("MessageSocket", () => {
  it("carries fds that work, up to 253 with a message", () => {
    const [one, other] = socketPair("stream");
    const memfd = createMemfd("m");
    writeSync(memfd, "content", 0);
    expect(one.send(Buffer.from("x"), { fds: Array<number>(253).fill(memfd) })).toBe(1);
    closeSync(memfd);
    const { fds } = message(other.receive());
    expect(fds).toHaveLength(253);
    const bytes = Buffer.alloc(7);
    readSync(fds[252] ?? -1, bytes, 0, 7, 0);
    expect(bytes.toString()).toBe("content");
    for (const fd of fds) closeSync(fd);
    one.close();
    other.close();
  });

  it("tells fds apart from the plain bytes before them, when asked to be exact", () => {
    const [one, other] = socketPair("stream");
    const event = createEventfd();
    const sendAll = () => {
      one.send(Buffer.from("plain"), noControl);
      one.send(Buffer.from("more"), noControl);
      one.send(Buffer.from("first"), { fds: [event] });
      one.send(Buffer.from("second"), { fds: [event, event] });
      one.send(Buffer.from("tail"), noControl);
    };
    sendAll();
    expect(text(other)).toBe("plainmorefirst+1");
    expect([text(other), text(other)]).toEqual(["second+2", "tail+0"]);
    sendAll();
    const exact = { exact: true };
    expect(text(other, exact)).toBe("plainmore+0");
    expect([text(other, exact), text(other, exact)]).toEqual(["first+1", "second+2"]);
    expect(text(other, exact)).toBe("tail+0");
    expect(other.receive(exact)).toBeUndefined();
    closeSync(event);
    one.close();
    expect(other.receive(exact)).toEqual({ type: "end" });
    other.close();
  });

  it("is exact beyond one chunk of plain bytes", () => {
    const [one, other] = socketPair("stream");
    const event = createEventfd();
    expect(one.send(Buffer.alloc(100_000), noControl)).toBe(100_000);
    one.send(Buffer.from("f"), { fds: [event] });
    closeSync(event);
    let plain = 0;
    for (;;) {
      const { bytes, fds } = message(other.receive({ exact: true }));
      for (const fd of fds) closeSync(fd);
      if (fds.length > 0) {
        expect(bytes.toString()).toBe("f");
        break;
      }
      plain += bytes.length;
    }
    expect(plain).toBe(100_000);
    one.close();
    other.close();
  });

  it("keeps packets apart, empty ones too, and the end behind them", () => {
    const [one, other] = socketPair("seqpacket");
    for (const packet of ["a", "", "bc"]) one.send(Buffer.from(packet), noControl);
    one.endWriting();
    expect([text(other), text(other), text(other)]).toEqual(["a+0", "+0", "bc+0"]);
    expect(other.receive()).toEqual({ type: "end" });
    one.close();
    other.close();
  });

  it("says so when a packet is longer than the limit", () => {
    const [one, other] = socketPair("seqpacket");
    expect(one.send(Buffer.alloc(PACKET_LIMIT), noControl)).toBe(PACKET_LIMIT);
    expect(message(other.receive()).isCut).toBe(false);
    one.send(Buffer.alloc(PACKET_LIMIT + 1), noControl);
    expect(message(other.receive()).isCut).toBe(true);
    one.close();
    other.close();
  });

  it("reports readiness at its edges, and no more once it is closed", async () => {
    const [one, other] = socketPair("stream");
    const seen: Readiness[] = [];
    let next = Promise.withResolvers<undefined>();
    other.watch((ready) => {
      seen.push(ready);
      next.resolve(undefined);
      next = Promise.withResolvers();
    });
    await next.promise;
    expect(seen.at(-1)).toEqual({ readable: false, writable: true, hungUp: false });
    one.send(Buffer.from("x"), noControl);
    await next.promise;
    expect(seen.at(-1)?.readable).toBe(true);
    one.close();
    await next.promise;
    expect(seen.at(-1)).toEqual({ readable: true, writable: true, hungUp: true });
    other.close();
  });
});

describe("sealedMemfd", () => {
  it("cannot be written, grown, shrunk or unsealed, and is at its start", () => {
    const fd = sealedMemfd("identity", Buffer.from("{}"));
    expect(fstatSync(fd).size).toBe(2);
    expect(() => writeSync(fd, "x", 0)).toThrow("EPERM");
    const again = openSync(`/proc/self/fd/${fd}`, "r+");
    expect(() => writeSync(again, "x", 0)).toThrow("EPERM");
    const bytes = Buffer.alloc(2);
    expect(readSync(fd, bytes)).toBe(2);
    closeSync(again);
    closeSync(fd);
  });
});

describe("messages of another program", () => {
  it("arrive from Python's socket.send_fds", () => {
    const [one, other] = socketPair("stream");
    const program = `
import os, socket
s = socket.socket(fileno=3)
r, w = os.pipe()
os.write(w, b"through the pipe")
socket.send_fds(s, [b"hello"], [r])
`;
    execFileSync("python3", ["-c", program], { stdio: ["ignore", "inherit", "inherit", one.fd] });
    const { bytes, fds } = message(other.receive());
    expect(bytes.toString()).toBe("hello");
    const buffer = Buffer.alloc(16);
    readSync(fds[0] ?? -1, buffer);
    expect(buffer.toString()).toBe("through the pipe");
    for (const fd of fds) closeSync(fd);
    one.close();
    other.close();
  });
});
