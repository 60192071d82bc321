import fc from "fast-check";
import {
  closeSync,
  fstatSync,
  openSync,
  readSync,
  readdirSync,
  statSync,
  writeSync,
} from "node:fs";
import { afterEach, describe, expect, it } from "vitest";
import { MAX_FDS } from "../../shared/linux/control-message.ts";
import type { FdType } from "../../shared/formats/fd-types.ts";
import { PACKET_LIMIT } from "../../shared/linux/message-socket.ts";
import type { MessageSocket, Received } from "../../shared/linux/message-socket.ts";
import { createMemfd } from "../../shared/linux/sealed-memfd.ts";
import { createEventfd, socketPair } from "../../shared/linux/socket-pair.fixture.ts";
import type { SocketType } from "../../shared/linux/unix-stream.ts";
import { PROPERTY_RUNS } from "../../shared/formats/property-runs.fixture.ts";
import { parseQuirks } from "../../shared/quirks/quirks.ts";
import { proxyMessages } from "./message-plane.ts";
import type { MessagePlaneOptions } from "./message-plane.ts";

interface Session {
  readonly consumer: MessageSocket;
  readonly provider: MessageSocket;
  readonly ended: Promise<void>;
  readonly violations: string[];
}

const never = new AbortController().signal;

function session(
  type: SocketType,
  allowed: readonly FdType[],
  options: Partial<MessagePlaneOptions> & { quirkList?: string } = {},
): Session {
  const [consumer, one] = socketPair(type);
  const [other, provider] = socketPair(type);
  const violations: string[] = [];
  const ended = proxyMessages(one, other, {
    signal: never,
    allowed: new Set(allowed),
    quirks: parseQuirks(options.quirkList),
    onViolation: (what) => violations.push(what),
    count: () => undefined,
    ...options,
  });
  return { consumer, provider, ended, violations };
}

/** Sessions that are open at once, since turns of the event loop are the main cost. */
const SESSIONS = 20;
const AT_ONCE = { minLength: SESSIONS, maxLength: SESSIONS };

type Model = readonly { readonly size: number; readonly fds: number }[];

/** A received message: its bytes, copied, and the inode numbers of its fds. */
interface Seen {
  readonly bytes: Buffer;
  readonly inodes: readonly number[];
}

const tick = () => new Promise<void>((resolve) => setImmediate(resolve));

/** The next message; undefined at the end. */
async function next(socket: MessageSocket): Promise<Seen | undefined> {
  for (;;) {
    const received = socket.receive({ exact: true });
    if (received === undefined) await tick();
    else return received.type === "end" ? undefined : seen(received);
  }
}

function seen({ bytes, fds }: Extract<Received, { type: "message" }>): Seen {
  const inodes = fds.map((fd) => fstatSync(fd).ino);
  for (const fd of fds) closeSync(fd);
  return { bytes: Buffer.from(bytes), inodes };
}

async function send(socket: MessageSocket, bytes: Buffer, fds: readonly number[] = []) {
  let rest = bytes;
  let own = fds;
  for (;;) {
    const sent = socket.send(rest, { fds: own });
    if (sent === undefined) await tick();
    else if (sent === rest.length) return;
    else [rest, own] = [rest.subarray(sent), []];
  }
}

async function text(socket: MessageSocket): Promise<string | undefined> {
  return (await next(socket))?.bytes.toString();
}

/** Number of open fds of this process. */
function openFds(): number {
  // The size of the folder is their number (proc_pid_fd(5), since Linux 6.2); older kernels give 0.
  return statSync("/proc/self/fd").size || readdirSync("/proc/self/fd").length;
}

describe.each(["stream", "seqpacket"] as const)("proxyMessages on a %s", (type) => {
  let memfds: number[] = [];

  afterEach(() => {
    for (const fd of memfds) closeSync(fd);
    memfds = [];
  });

  const messages = fc.array(
    fc.record({
      size: fc.oneof(
        { weight: 24, arbitrary: fc.integer({ min: type === "stream" ? 1 : 0, max: 300 }) },
        { weight: 1, arbitrary: fc.integer({ min: 1, max: 100_000 }) },
      ),
      fds: fc.oneof(
        { weight: 200, arbitrary: fc.constant(0) },
        { weight: 60, arbitrary: fc.integer({ min: 1, max: 4 }) },
        { weight: 1, arbitrary: fc.constant(MAX_FDS) },
      ),
    }),
    { maxLength: 4 },
  );

  /** Send as the model says. @returns all bytes that arrive, and each fd with its byte offset */
  async function exchange(from: MessageSocket, to: MessageSocket, model: Model) {
    let stamp = 0;
    const inodes = new Map(memfds.map((fd) => [fd, fstatSync(fd).ino]));
    const expected = {
      bytes: [] as Buffer[],
      fds: [] as [number, number][],
      packets: [] as number[],
    };
    let offset = 0;
    const sending = (async () => {
      for (const { size, fds } of model) {
        const bytes = Buffer.alloc(size, (stamp += 1));
        const chosen = Array.from({ length: fds }, (_, index) => memfds[(index + stamp) % 3] ?? -1);
        expected.bytes.push(bytes);
        expected.packets.push(size);
        expected.fds.push(...chosen.map((fd): [number, number] => [offset, inodes.get(fd) ?? 0]));
        offset += size;
        await send(from, bytes, chosen);
      }
      from.endWriting();
    })();
    const actual: typeof expected = { bytes: [], fds: [], packets: [] };
    for (let at = 0; ;) {
      const message = await next(to);
      if (message === undefined) break;
      actual.bytes.push(message.bytes);
      actual.packets.push(message.bytes.length);
      actual.fds.push(...message.inodes.map((inode): [number, number] => [at, inode]));
      at += message.bytes.length;
    }
    await sending;
    return { expected, actual };
  }

  it("delivers any messages both ways as a direct connection would, and leaves no fd", async () => {
    memfds = [createMemfd("a"), createMemfd("b"), createMemfd("c")];
    const warm = session(type, []);
    warm.consumer.close();
    warm.provider.close();
    await warm.ended;
    const baseline = openFds();
    const carry = async ([up, down]: readonly [Model, Model]) => {
      const { consumer, provider, ended, violations } = session(type, ["memfd"]);
      const results = await Promise.all([
        exchange(consumer, provider, up),
        exchange(provider, consumer, down),
      ]);
      for (const { expected, actual } of results) {
        expect(Buffer.concat(actual.bytes).equals(Buffer.concat(expected.bytes))).toBe(true);
        expect(actual.fds).toEqual(expected.fds);
        if (type === "seqpacket") expect(actual.packets).toEqual(expected.packets);
      }
      await ended;
      consumer.close();
      provider.close();
      expect(violations).toEqual([]);
    };
    const together = fc.array(fc.tuple(messages, messages), AT_ONCE);
    await fc.assert(
      fc.asyncProperty(together, async (sessions) => {
        await Promise.all(sessions.map(carry));
        expect(openFds()).toBe(baseline);
      }),
      // Each type of socket gets half of the runs.
      { numRuns: Math.ceil(PROPERTY_RUNS / SESSIONS / 2) },
    );
  }, 120_000);

  it("passes on a half-close while the other direction goes on", async () => {
    const { consumer, provider, ended } = session(type, []);
    await send(consumer, Buffer.from("question"));
    consumer.endWriting();
    expect([await text(provider), await text(provider)]).toEqual(["question", undefined]);
    await send(provider, Buffer.from("answer"));
    provider.close();
    expect([await text(consumer), await text(consumer)]).toEqual(["answer", undefined]);
    await ended;
    consumer.close();
  });

  it("delivers what a consumer that has gone sent before, and fails the provider's writes", async () => {
    const { consumer, provider, ended } = session(type, []);
    await send(consumer, Buffer.from("last words"));
    consumer.close();
    expect([await text(provider), await text(provider)]).toEqual(["last words", undefined]);
    await ended;
    expect(() => provider.send(Buffer.from("x"), { fds: [] })).toThrow("EPIPE");
    provider.close();
  });

  it("stops reading from a side whose other side does not read", async () => {
    const { consumer, provider, ended } = session(type, []);
    let accepted = 0;
    const bytes = Buffer.alloc(32 * 1024);
    for (let blocked = 0; blocked < 50;) {
      const sent = consumer.send(bytes, { fds: [] });
      blocked = sent === undefined ? blocked + 1 : 0;
      accepted += sent ?? 0;
      await tick();
    }
    expect(accepted).toBeLessThan(4 << 20);
    let received = 0;
    const reading = (async () => {
      for (;;) {
        const message = await next(provider);
        if (message === undefined) return;
        received += message.bytes.length;
      }
    })();
    consumer.endWriting();
    await reading;
    expect(received).toBe(accepted);
    consumer.close();
    provider.close();
    await ended;
  });

  it("holds few fds for all sides together that do not read, and delivers all of them", async () => {
    memfds = [createMemfd("a")];
    const fds = Array.from({ length: MAX_FDS }, () => memfds[0] ?? -1);
    const sessions = Array.from({ length: 8 }, () => session(type, ["memfd"]));
    const baseline = openFds();
    const sent = await Promise.all(
      sessions.map(async ({ consumer }) => {
        let messages = 0;
        for (let blocked = 0; blocked < 50;) {
          const isSent = consumer.send(Buffer.alloc(4_000), { fds }) !== undefined;
          blocked = isSent ? 0 : blocked + 1;
          messages += isSent ? 1 : 0;
          await tick();
        }
        consumer.endWriting();
        return messages;
      }),
    );
    expect(openFds() - baseline).toBeLessThan(4 * MAX_FDS);
    for (const [index, { consumer, provider, ended, violations }] of sessions.entries()) {
      let passed = 0;
      for (let seen = await next(provider); seen !== undefined; seen = await next(provider)) {
        passed += seen.inodes.length;
      }
      expect(passed).toBe((sent[index] ?? 0) * MAX_FDS);
      expect(violations).toEqual([]);
      consumer.close();
      provider.close();
      await ended;
    }
  });

  it("refuses an fd that may not pass, with all of its message, and closes both sides", async () => {
    const baseline = openFds();
    const { consumer, provider, ended, violations } = session(type, ["memfd", "socket"]);
    const fds = [createMemfd("m"), openSync("/", "r")];
    await send(consumer, Buffer.from("fine"));
    await send(consumer, Buffer.from("secret"), fds);
    for (const fd of fds) closeSync(fd);
    expect([await text(provider), await text(provider)]).toEqual(["fine", undefined]);
    await ended;
    expect(() => consumer.send(Buffer.from("x"), { fds: [] })).toThrow("EPIPE");
    expect(violations).toEqual(["an fd that may not pass (directory) from the consumer"]);
    consumer.close();
    provider.close();
    // Files share a process: an fd that another one closes just now is no leak of this one.
    await expect.poll(openFds, { timeout: 10_000 }).toBeLessThanOrEqual(baseline);
  });

  it("sends the greeting before anything else, also when the consumer says nothing", async () => {
    const greeting = Buffer.from('{"client":"c"}\n');
    const { consumer, provider, ended } = session(type, [], { greeting });
    consumer.close();
    expect([await text(provider), await text(provider)]).toEqual(['{"client":"c"}\n', undefined]);
    provider.close();
    await ended;
  });

  it("adds the identity's handle to the first message, before the consumer's fds", async () => {
    memfds = [createMemfd("identity"), createMemfd("own")];
    const [handle = -1, own = -1] = memfds;
    writeSync(handle, "{}");
    const [uid, gid] = [process.getuid?.() ?? 0, process.getgid?.() ?? 0];
    const { consumer, provider, ended } = session(type, ["memfd"], {
      identity: { credentials: { pid: process.pid, uid, gid }, handle },
    });
    await send(consumer, Buffer.from("one"), [own]);
    const first = await next(provider);
    expect(first?.inodes).toEqual([fstatSync(handle).ino, fstatSync(own).ino]);
    await send(consumer, Buffer.from("two"));
    expect(await next(provider)).toEqual({ bytes: Buffer.from("two"), inodes: [] });
    consumer.close();
    provider.close();
    await ended;
  });

  it("ends both sides when the link goes", async () => {
    const stop = new AbortController();
    const { consumer, provider, ended } = session(type, [], { signal: stop.signal });
    stop.abort();
    await ended;
    expect([await text(consumer), await text(provider)]).toEqual([undefined, undefined]);
    consumer.close();
    provider.close();
  });

  it("quirk unix-drop-fds delivers the bytes alone; fd-type-unchecked everything", async () => {
    const fds = [createEventfd()];
    for (const [quirkList, count] of [
      ["unix-drop-fds", 0],
      ["fd-type-unchecked", 1],
    ] as const) {
      const allowed: FdType[] = quirkList === "unix-drop-fds" ? ["eventfd"] : [];
      const { consumer, provider, ended } = session(type, allowed, { quirkList });
      await send(consumer, Buffer.from("x"), fds);
      expect((await next(provider))?.inodes).toHaveLength(count);
      consumer.close();
      provider.close();
      await ended;
    }
    for (const fd of fds) closeSync(fd);
  });
});

describe("proxyMessages with packets", () => {
  it("closes both sides for a packet that is too long", async () => {
    const { consumer, provider, ended, violations } = session("seqpacket", []);
    await send(consumer, Buffer.alloc(PACKET_LIMIT + 1));
    expect(await next(provider)).toBeUndefined();
    await ended;
    expect(violations).toEqual([`a packet of more than ${PACKET_LIMIT} bytes from the consumer`]);
    consumer.close();
    provider.close();
  });

  it("quirk packets-merged makes one packet of two", async () => {
    const { consumer, provider, ended } = session("seqpacket", [], { quirkList: "packets-merged" });
    for (const packet of ["a", "b"]) await send(consumer, Buffer.from(packet));
    expect(await text(provider)).toBe("ab");
    consumer.close();
    provider.close();
    await ended;
  });
});

it("an fd that has passed works at the other end", async () => {
  const { consumer, provider, ended } = session("stream", ["memfd"]);
  const memfd = createMemfd("shared");
  await send(provider, Buffer.from("x"), [memfd]);
  let received = consumer.receive();
  while (received === undefined) {
    await tick();
    received = consumer.receive();
  }
  if (received.type !== "message") throw new Error("no message");
  const [copy = -1] = received.fds;
  writeSync(memfd, "hello", 0);
  const bytes = Buffer.alloc(5);
  readSync(copy, bytes, 0, 5, 0);
  expect(bytes.toString()).toBe("hello");
  for (const fd of [memfd, copy]) closeSync(fd);
  consumer.close();
  provider.close();
  await ended;
});
