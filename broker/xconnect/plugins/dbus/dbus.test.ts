import { once } from "node:events";
import { closeSync, existsSync, openSync } from "node:fs";
import type { Socket } from "node:net";
import { afterEach, describe, expect, test, vi } from "vitest";
import { O_PATH } from "../../../shared/linux/openat2.ts";
import { connectToInode } from "../../../shared/linux/unix-stream.ts";
import { METHOD_CALL, SIGNAL } from "../../../shared/protocols/dbus/message-header.ts";
import { writeMessage } from "../../../shared/protocols/dbus/write-message.ts";
import { dbusPlugin } from "./dbus.ts";
import { Bench, readText } from "../socket-bench.fixture.ts";
import type { BenchOptions } from "../socket-bench.fixture.ts";

afterEach(() => vi.useRealTimers());

const GUID = "0123456789abcdef0123456789abcdef";
const PASSWD = ["root:x:0:0:::", "nobody:x:65534:65534:::", "app:x:1000:100:::"].join("\n");
const GROUP = ["audio:x:29:app", "video:x:44:root,app"].join("\n");
/** Rules that let pass what the fake bus sends back. */
const entry = { rules: [[{ access: "own" }]] };
/** A signal, as a string with one character for each byte. */
const MESSAGES = writeMessage({
  type: SIGNAL,
  serial: 7,
  path: "/a",
  interface: "a.b",
  member: "C",
}).toString("latin1");
const files = { "/etc/passwd": PASSWD, "/etc/group": GROUP };

async function bench(options: Partial<BenchOptions> = {}): Promise<Bench> {
  const made = new Bench({ plugin: dbusPlugin, role: "nobody", files, entry, ...options });
  await made.start();
  return made;
}

/** A bus that accepts every connection and then sends back all that it gets. */
async function provideBus(b: Bench, received: string[], answer = `OK ${GUID}`): Promise<void> {
  await b.provide((socket) => {
    let text = "";
    socket.on("data", (chunk: Buffer) => {
      if (text.includes("BEGIN\r\n")) socket.write(chunk);
      const before = text;
      text += chunk.toString("latin1");
      if (!before.includes("\r\n") && text.includes("\r\n")) socket.write(`${answer}\r\n`);
      const begin = text.indexOf("BEGIN\r\n");
      if (begin !== -1 && !before.includes("BEGIN")) socket.write(text.slice(begin + 7));
    });
    socket.on("end", () => {
      received.push(text);
      socket.end();
    });
  });
}

/** The text that a consumer reads when it sends `wire` and ends. */
async function say(b: Bench, wire: string): Promise<string> {
  const consumer = b.consume();
  consumer.end(wire, "latin1");
  return await readText(consumer);
}

const LIBDBUS = `\0AUTH EXTERNAL 30\r\nBEGIN\r\n${MESSAGES}`;

describe("decisions", () => {
  test("are told, with the message and its sender, to the one who debugs", async () => {
    using b = await bench({ tellsDecisions: true });
    await provideBus(b, []);
    await say(b, LIBDBUS);
    expect(b.decisions[0]).toBe("pass: signal a.b.C to all from the consumer, serial 7");
    expect(b.decisions.at(-1)).toMatch(/: signal a\.b\.C to all from the provider, serial 7$/);
  });

  test("name what is denied, and what is answered in place of the bus", async () => {
    using b = await bench({ entry: { rules: [] }, tellsDecisions: true });
    await provideBus(b, []);
    const call = writeMessage({
      type: METHOD_CALL,
      serial: 8,
      path: "/a",
      interface: "a.b",
      member: "Do",
      destination: "a.b",
    }).toString("latin1");
    await say(b, `\0AUTH EXTERNAL 30\r\nBEGIN\r\n${call}`);
    expect(b.decisions).toContain(
      "drop, answer in place of the bus, denied: call a.b.Do to a.b from the consumer, serial 8",
    );
  });
});

describe("the identity of the provider connection", () => {
  const nobody = { uid: 65_534, gid: 65_534, groups: [] };
  test.each([
    ["an account", { role: "app" }, { uid: 1000, gid: 100, groups: [29, 44] }],
    ["root", { role: "root" }, { uid: 0, gid: 0, groups: [44] }],
    ["nobody", { role: "nobody" }, nobody],
    ["a number", { role: "4242" }, { uid: 4242, gid: 65_534, groups: [] }],
    ["a number of an account", { role: "1000" }, { uid: 1000, gid: 100, groups: [29, 44] }],
    ["(uid_t)-1", { role: "4294967295" }, nobody],
    ["an unknown role", { role: "ghost" }, nobody],
    [
      "any, even when there is such an account",
      { role: "any", files: { "/etc/passwd": "any:x:0:0:::" } },
      nobody,
    ],
    ["no passwd at all", { role: "root", files: {} }, nobody],
    [
      "the graph's uid before the role",
      { role: "root", uid: 90_001 },
      { uid: 90_001, gid: 65_534, groups: [] },
    ],
    ["dbus-all-nobody", { role: "root", quirks: "dbus-all-nobody" }, nobody],
    [
      "dbus-role-ignored",
      { role: "nobody", quirks: "dbus-role-ignored" },
      { uid: 0, gid: 0, groups: [] },
    ],
    [
      "dbus-unknown-is-root",
      { role: "ghost", quirks: "dbus-unknown-is-root" },
      { uid: 0, gid: 0, groups: [] },
    ],
  ])("%s", async (_name, options, credentials) => {
    using b = await bench(options);
    const received: string[] = [];
    await provideBus(b, received);
    expect(await say(b, LIBDBUS)).toBe(`OK ${GUID}\r\n${MESSAGES}`);
    expect(b.dialled).toEqual([credentials]);
    const hex = Buffer.from(String(credentials.uid)).toString("hex");
    expect(received).toEqual([`\0AUTH EXTERNAL ${hex}\r\nBEGIN\r\n${MESSAGES}`]);
  });

  test("is logged, an unknown role with its replacement", async () => {
    using b = await bench({ role: "ghost" });
    await provideBus(b, []);
    await say(b, LIBDBUS);
    expect(b.lines).toEqual([
      "pvx-dbus: Injecting socket /run/svc.sock into pid 11",
      "pvx-dbus: Accepted connection for service svc from pid 11",
      "pvx-dbus: Role 'ghost' is not an account of server, using nobody",
      "pvx-dbus: Masquerading D-Bus identity as role 'ghost' (UID 65534) for service svc",
    ]);
    expect(b.warnings).toEqual([]);
  });
});

describe("no way of authenticating changes it", () => {
  const SDBUS = `\0AUTH EXTERNAL\r\nDATA\r\nNEGOTIATE_UNIX_FD\r\nBEGIN\r\n${MESSAGES}`;
  const SECOND = "\0AUTH EXTERNAL 31323334\r\nAUTH EXTERNAL 30\r\nBEGIN\r\n";
  const ANONYMOUS = "\0AUTH ANONYMOUS 78\r\nAUTH EXTERNAL 30\r\nBEGIN\r\n";
  test.each([
    ["sd-bus", SDBUS],
    ["a second AUTH", SECOND],
    ["an AUTH after ANONYMOUS", ANONYMOUS],
    ["a CANCEL and another AUTH", "\0AUTH EXTERNAL 31\r\nCANCEL\r\nAUTH EXTERNAL 30\r\nBEGIN\r\n"],
  ])("%s", async (_name, wire) => {
    using b = await bench();
    await provideBus(b, []);
    expect(await say(b, wire)).toContain(`OK ${GUID}\r\n`);
    expect(b.dialled.map((credentials) => credentials?.uid)).toContain(65_534);
    expect(new Set(b.dialled.map((credentials) => credentials?.uid)).size).toBe(1);
  });

  test.each([
    ["dbus-bare-auth", SDBUS, 0],
    ["dbus-second-auth", SECOND, 0],
    ["dbus-second-auth", ANONYMOUS, 0],
    ["dbus-bare-auth", LIBDBUS, 65_534],
    ["dbus-second-auth", LIBDBUS, 65_534],
  ])("except under the quirk %s: %j ends as uid %i", async (quirks, wire, uid) => {
    using b = await bench({ quirks });
    await provideBus(b, []);
    expect(await say(b, wire)).toContain(`OK ${GUID}\r\n`);
    expect(b.dialled.at(-1)?.uid).toBe(uid);
  });

  test("sd-bus gets its replies in order and its pipelined messages through", async () => {
    using b = await bench();
    await provideBus(b, []);
    expect(await say(b, SDBUS)).toBe(
      `DATA\r\nOK ${GUID}\r\nERROR "Unix FD passing is not supported"\r\n${MESSAGES}`,
    );
  });

  test("dbus-auth-strict refuses pipelined lines and lets single ones pass", async () => {
    using b = await bench({ quirks: "dbus-auth-strict" });
    await provideBus(b, []);
    expect(await say(b, SDBUS)).not.toContain("OK");
    const consumer = b.consume();
    consumer.write("\0AUTH EXTERNAL 30\r\n");
    expect(await readText(consumer, (text) => text.endsWith("\n"))).toBe(`OK ${GUID}\r\n`);
    consumer.end(`BEGIN\r\n${MESSAGES}`, "latin1");
    expect(await readText(consumer)).toBe(MESSAGES);
  });

  test("dbus-auth-passthrough lets the provider see the consumer's own lines", async () => {
    using b = await bench({ quirks: "dbus-auth-passthrough" });
    const received: string[] = [];
    await provideBus(b, received);
    await say(b, "\0AUTH ANONYMOUS 78\r\n");
    expect(received).toEqual(["\0AUTH ANONYMOUS 78\r\n"]);
  });
});

test("bytes that the consumer sent at once wait until the provider can be reached", async () => {
  const dialled = Promise.withResolvers<number>();
  using b = await bench({ dial: () => dialled.promise });
  await provideBus(b, []);
  const said = say(b, LIBDBUS);
  await vi.waitUntil(() => b.dialled.length > 0, { timeout: 10_000 });
  const inode = openSync(b.providerPath, O_PATH);
  dialled.resolve(connectToInode(inode));
  closeSync(inode);
  expect(await said).toBe(`OK ${GUID}\r\n${MESSAGES}`);
});

test("thousands of lines at once are answered as they are taken", async () => {
  using b = await bench();
  const answers = await say(b, `\0${"\r\n".repeat(20_000)}`);
  expect(answers.split("\r\n")).toHaveLength(20_001);
});

describe("there is no session", () => {
  test.each([
    ["when the provider rejects the uid", "REJECTED EXTERNAL"],
    ["when the provider answers something else", "HTTP/1.1 400 Bad Request"],
    ["when the provider speaks before BEGIN", `OK ${GUID}\r\nl\x01`],
  ])("%s: REJECTED, then EOF, and a warning", async (_name, answer) => {
    using b = await bench();
    await provideBus(b, [], answer);
    expect(await say(b, LIBDBUS)).toBe("REJECTED EXTERNAL\r\n");
    expect(b.warnings).toHaveLength(1);
    expect(b.warnings[0]).toMatch(
      /^pvx-dbus: No session for service svc from client: server does not take role 'nobody' \(UID 65534\): /,
    );
    expect(b.notes).toEqual([expect.stringMatching(/^no session: server does not take role/)]);
  });

  test("when the provider could not be reached in time", async () => {
    using b = await bench({ dial: () => Promise.reject(new Error("nobody listens")) });
    expect(await say(b, LIBDBUS)).toBe("REJECTED EXTERNAL\r\n");
    expect(b.warnings.join()).toContain("nobody listens");
  });

  test("when the link goes while the provider is waited for; its connection is closed", async () => {
    const dialled = Promise.withResolvers<number>();
    using b = await bench({ dial: () => dialled.promise });
    const consumer = b.consume();
    consumer.write("\0AUTH EXTERNAL 30\r\n");
    await vi.waitUntil(() => b.dialled.length > 0, { timeout: 10_000 });
    b.endSessions();
    await once(consumer.resume(), "end");
    const fd = openSync("/dev/null", "r");
    dialled.resolve(fd);
    await vi.waitUntil(() => !existsSync(`/proc/self/fd/${fd}`), { timeout: 10_000 });
  });

  test("when there is no provider", async () => {
    using b = await bench();
    expect(await say(b, LIBDBUS)).toBe("REJECTED EXTERNAL\r\n");
    expect(b.warnings).toHaveLength(1);
  });

  test.each([
    ["without a leading NUL", "AUTH EXTERNAL 30\r\n"],
    ["when the consumer closes before BEGIN", "\0AUTH ANONYMOUS\r\n"],
  ])("%s, and the provider hears nothing", async (_name, wire) => {
    using b = await bench();
    await provideBus(b, []);
    expect(await say(b, wire)).not.toContain("OK");
    expect(b.dialled).toEqual([]);
  });

  test("without BEGIN in 30 s", async () => {
    using b = await bench();
    const provided = Promise.withResolvers<Socket>();
    await b.provide((socket) => {
      socket.write(`OK ${GUID}\r\n`);
      provided.resolve(socket);
    });
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const consumer = b.consume();
    consumer.write("\0AUTH EXTERNAL 30\r\n");
    await readText(consumer, (text) => text.startsWith("OK"));
    const provider = await provided.promise;
    const closed = Promise.all([once(consumer.resume(), "end"), once(provider.resume(), "end")]);
    vi.advanceTimersByTime(30_000);
    await closed;
    await vi.waitUntil(() => b.warnings.length > 0, { timeout: 10_000 });
    expect(b.warnings).toEqual(["Error: no message within 30000 ms"]);
  });
});

test.each([
  ["in the same piece", `${MESSAGES}no message at all`],
  ["in the same piece, from its first byte on", `${MESSAGES}${"\0".repeat(16)}`],
])("what is good arrives, also when what is behind it is not: %s", async (_name, messages) => {
  using b = await bench();
  const received = Promise.withResolvers<string>();
  await b.provide((socket) => {
    let text = "";
    socket.on("data", (chunk: Buffer) => {
      if (text === "") socket.write(`OK ${GUID}\r\n`);
      text += chunk.toString("latin1");
    });
    socket.on("close", () => received.resolve(text));
    socket.on("end", () => socket.end());
  });
  await say(b, `\0AUTH EXTERNAL 30\r\nBEGIN\r\n${messages}`);
  expect((await received.promise).split("BEGIN\r\n")[1]).toBe(MESSAGES);
});

test("a provider that goes between OK and BEGIN ends the session", async () => {
  using b = await bench();
  await b.provide((socket) => void socket.once("data", () => socket.end(`OK ${GUID}\r\n`)));
  const consumer = b.consume();
  consumer.write("\0AUTH EXTERNAL 30\r\n");
  await readText(consumer, (text) => text.startsWith("OK"));
  consumer.write("BEGIN\r\n");
  expect(await readText(consumer)).toBe("");
});

describe("behind a link's first consumer", () => {
  /** @returns the bytes that the provider gets from each connection */
  const first = async (b: Bench, answers: readonly string[] = []): Promise<string[]> => {
    const received: string[] = [];
    const left = [`OK ${GUID}`, ...answers];
    await b.provide((socket) => {
      const chunks: string[] = [];
      socket.on("data", (chunk: Buffer) => {
        if (chunks.length === 0) socket.write(`${left.shift() ?? `OK ${GUID}`}\r\n`);
        chunks.push(chunk.toString("latin1"));
        const [, messages = ""] = (chunks.at(-1) ?? "").split("BEGIN\r\n");
        socket.write(messages, "latin1");
      });
      socket.on("end", () => {
        received.push(chunks.join("|"));
        socket.end();
      });
    });
    expect(await say(b, LIBDBUS)).toContain(`OK ${GUID}\r\n`);
    return received;
  };

  test("the provider gets everything in one piece", async () => {
    using b = await bench();
    const received = await first(b);
    expect(await say(b, LIBDBUS)).toBe(`OK ${GUID}\r\n${MESSAGES}`);
    const auth = `\0AUTH EXTERNAL ${Buffer.from("65534").toString("hex")}\r\n`;
    expect(received).toEqual([`${auth}|BEGIN\r\n${MESSAGES}`, `${auth}BEGIN\r\n${MESSAGES}`]);
    expect(b.dialled.map((credentials) => credentials?.uid)).toEqual([65_534, 65_534]);
  });

  test.each([
    ["AUTH", "\0AUTH EXTERNAL 30\r\n"],
    ["BEGIN", "\0AUTH EXTERNAL 30\r\nBEGIN\r\n"],
  ])("who says no more than %s costs the provider nothing, and has 30 s", async (_name, wire) => {
    using b = await bench();
    await first(b);
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const consumer = b.consume();
    consumer.write(wire);
    await readText(consumer, (text) => text.startsWith("OK"));
    const closed = once(consumer.resume(), "end");
    vi.advanceTimersByTime(30_000);
    await closed;
    expect(b.dialled).toHaveLength(1);
  });

  test.each([
    ["rejects the uid", "REJECTED EXTERNAL", "it rejects the uid"],
    ["answers something else", "HTTP/1.1 400", "does not answer AUTH with OK"],
    ["answers without end", "x".repeat(20_000), "a line of more than"],
  ])("a provider that %s ends the session, with a warning", async (_name, answer, reason) => {
    using b = await bench();
    await first(b, [answer]);
    expect(await say(b, LIBDBUS)).toBe(`OK ${GUID}\r\n`);
    expect(b.warnings.join()).toContain(
      "No session for service svc from client: server does not take role 'nobody' (UID 65534): ",
    );
    expect(b.warnings.join()).toContain(reason);
    expect(b.notes.join()).toContain(reason);
  });

  test("a bus that has started anew serves who was told the former guid, and then has its own", async () => {
    const other = GUID.replaceAll("0", "f");
    using b = await bench();
    await first(b, [`OK ${other}`]);
    expect(await say(b, LIBDBUS)).toBe(`OK ${GUID}\r\n${MESSAGES}`);
    expect(await say(b, LIBDBUS)).toBe(`OK ${other}\r\n${MESSAGES}`);
  });

  test("fds are still agreed on by all three", async () => {
    using b = await bench({ entry: { ...entry, fds: ["memfd"] } });
    await first(b);
    const consumer = b.consume();
    consumer.write("\0AUTH EXTERNAL 30\r\nNEGOTIATE_UNIX_FD\r\n");
    await vi.waitUntil(() => b.dialled.length === 2, { timeout: 10_000 });
    consumer.destroy();
  });
});

test("an answer that comes in pieces, with a message behind it, is told from the message", async () => {
  using b = await bench();
  let count = 0;
  await b.provide((socket) => {
    const isFirst = count++ === 0;
    socket.once("data", () => {
      if (isFirst) socket.end(`OK ${GUID}\r\n`);
      else
        socket.write(`OK ${GUID.slice(0, 16)}`, () => {
          setImmediate(() => socket.end(`${GUID.slice(16)}\r\n${MESSAGES}`, "latin1"));
        });
    });
  });
  await say(b, LIBDBUS);
  expect(await say(b, LIBDBUS)).toBe(`OK ${GUID}\r\n${MESSAGES}`);
});

test("a bus that never closes does not keep a session that is over", async () => {
  using b = await bench();
  const bus = Promise.withResolvers<Socket>();
  await b.provide((socket) => {
    bus.resolve(socket);
    socket.once("data", () => socket.write(`OK ${GUID}\r\n`));
  });
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  const consumer = b.consume();
  consumer.write("\0AUTH EXTERNAL 30\r\nBEGIN\r\nno message at all");
  const socket = await bus.promise;
  await Promise.all([once(consumer.resume(), "end"), once(socket, "end")]);
  const isHeard = () =>
    new Promise((resolve) => socket.write("still here", (error) => resolve(error == null)));
  vi.advanceTimersByTime(1_999);
  expect(await isHeard()).toBe(true);
  vi.advanceTimersByTime(1);
  expect(await isHeard()).toBe(false);
});

test("when the link goes, both connections are closed at once", async () => {
  using b = await bench();
  await provideBus(b, []);
  const consumer = b.consume();
  consumer.write(LIBDBUS, "latin1");
  await readText(consumer, (text) => text.endsWith(MESSAGES));
  const closed = once(consumer.resume(), "end");
  b.endSessions();
  await closed;
});
