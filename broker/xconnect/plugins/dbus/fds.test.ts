import { closeSync, openSync } from "node:fs";
import { beforeAll, describe, expect, test, vi } from "vitest";
import type { FdType } from "../../../shared/formats/fd-types.ts";
import { MessageSocket } from "../../../shared/linux/message-socket.ts";
import { O_PATH } from "../../../shared/linux/openat2.ts";
import { connectToInode } from "../../../shared/linux/unix-stream.ts";
import { ERROR, METHOD_CALL, parseHeader } from "../../../shared/protocols/dbus/message-header.ts";
import type { MessageHeader } from "../../../shared/protocols/dbus/message-header.ts";
import { MessageSplitter } from "../../../shared/protocols/dbus/message-splitter.ts";
import { strings, writeMessage } from "../../../shared/protocols/dbus/write-message.ts";
import { contentOf, memfd, openFds } from "../descriptors.fixture.ts";
import { HELLO, RealBus, obstacle } from "./real-bus.fixture.ts";

const why = obstacle();
const AUTHENTICATION = "\0AUTH EXTERNAL 30\r\nNEGOTIATE_UNIX_FD\r\nBEGIN\r\n";
const REFUSED = 'ERROR "Unix FD passing is not supported"';

describe.skipIf(why !== undefined)(
  `fds through a bus${why === undefined ? "" : ` (${why})`}`,
  () => {
    beforeAll(async () => {
      // Open what the first session of a thread opens for all later ones.
      await using bus = await RealBus.start("root", "");
      (await Client.logIn(bus))[Symbol.dispose]();
    });

    test("arrive both ways with the message that they were sent with, and none is left", async () => {
      await using bus = await RealBus.start("root", "", { fds: ["memfd"] });
      const before = openFds();
      {
        using client = await Client.logIn(bus);
        expect(client.negotiated).toBe("AGREE_UNIX_FD");
        // Calls to itself pass the link twice. The middle one has no fds, the last one is long.
        client.call(10, [memfd("one"), memfd("two")]);
        client.call(11, []);
        client.call(12, [memfd("three")], "x".repeat(140_000));
        const received = [await client.next(10), await client.next(11), await client.next(12)];
        expect(received.map(({ contents }) => contents)).toEqual([["one", "two"], [], ["three"]]);
      }
      await settled(before);
    });

    test("of another type are refused by message, and the session goes on", async () => {
      await using bus = await RealBus.start("root", "", { fds: ["memfd"] });
      const before = openFds();
      {
        using client = await Client.logIn(bus);
        client.call(10, [memfd("one"), openSync("/", "r")]);
        expect(await client.next(10)).toMatchObject({ header: { type: ERROR }, contents: [] });
        client.call(11, [memfd("two")]);
        expect((await client.next(11)).contents).toEqual(["two"]);
        expect(bus.lines.at(-1)).toMatch(
          /^pvx-dbus: Denied .*an fd that may not pass \(directory\)/,
        );
        expect([bus.counters.get("rejections"), bus.notes]).toEqual([1, []]);
      }
      await settled(before);
    });

    test("may come right behind BEGIN", async () => {
      await using bus = await RealBus.start("root", "", { fds: ["memfd"] });
      using client = new Client(bus.consumerPath);
      client.send(Buffer.from(AUTHENTICATION, "latin1"), []);
      client.send(HELLO, []);
      client.send(call("org.freedesktop.DBus", 9, 1), [memfd("one")]);
      expect((await client.next(9)).header).toMatchObject({ type: ERROR, replySerial: 9 });
    });

    test("are refused at negotiation where the link lists none", async () => {
      await using bus = await RealBus.start("root", "");
      using client = await Client.logIn(bus);
      expect(client.negotiated).toBe(REFUSED);
    });

    test.each<[string, readonly FdType[], (client: Client) => void, RegExp]>([
      ["that were not agreed on", [], (c) => c.call(9, [memfd("x")]), /not agreed on/],
      [
        "that a message only claims",
        ["memfd"],
        (c) => c.send(call(c.name, 9, 1), []),
        /did not come/,
      ],
      ["that no message claims", ["memfd"], flood, /without a message/],
      [
        "that their message does not claim",
        ["memfd"],
        (c) => c.send(call(c.name, 9, 1), [memfd("one"), memfd("two")]),
        /without a message/,
      ],
    ])("%s end the session and leave nothing", async (_name, fds, act, reason) => {
      await using bus = await RealBus.start("root", "", { fds });
      const before = openFds();
      {
        using client = await Client.logIn(bus);
        act(client);
        expect(await client.ended()).toBe(true);
        expect(bus.warnings.at(-1)).toMatch(reason);
        expect(bus.notes).toEqual([expect.stringMatching(reason)]);
        expect(bus.counters.get("rejections")).toBe(1);
      }
      await settled(before);
    });

    test("are lost under dbus-fd-lost", async () => {
      await using bus = await RealBus.start("root", "dbus-fd-lost", { fds: ["memfd"] });
      using client = await Client.logIn(bus);
      client.call(10, [memfd("one")]);
      // The bus gets a message whose header claims fds that it does not carry.
      expect(await client.ended()).toBe(true);
    });
  },
);

/** Send more fds than any message can have, ahead of a message that has none. */
function flood(client: Client): void {
  const part = call(client.name, 9, 0);
  for (let at = 0; at < 3; at += 1) {
    client.send(
      part.subarray(at, at + 1),
      Array.from({ length: 100 }, () => memfd("x")),
    );
  }
}

/** A client of the link that is written by hand. */
class Client implements Disposable {
  readonly #socket: MessageSocket;
  readonly #splitter = new MessageSplitter(() => true);
  readonly #fds: number[] = [];
  readonly #messages: { header: MessageHeader; contents: string[] }[] = [];
  #hasEnded = false;
  #text = "";
  negotiated = "";
  name = "";

  constructor(path: string) {
    const inode = openSync(path, O_PATH);
    this.#socket = new MessageSocket(connectToInode(inode), "stream");
    closeSync(inode);
  }

  static async logIn(bus: RealBus): Promise<Client> {
    const client = new Client(bus.consumerPath);
    client.send(Buffer.from(AUTHENTICATION, "latin1"), []);
    await client.#until(() => client.#text.split("\r\n").length > 2);
    client.negotiated = client.#text.split("\r\n")[1] ?? "";
    client.send(HELLO, []);
    await client.next(1);
    return client;
  }

  /** Send bytes with fds, and close the fds. */
  send(bytes: Buffer, fds: readonly number[]): void {
    expect(this.#socket.send(bytes, { fds })).toBe(bytes.length);
    for (const fd of fds) closeSync(fd);
  }

  /** Call itself. */
  call(serial: number, fds: readonly number[], text = ""): void {
    this.send(call(this.name, serial, fds.length, text), fds);
  }

  /** The reply to this serial, or the call with this serial when it comes back. */
  async next(serial: number): Promise<{ header: MessageHeader; contents: string[] }> {
    const isIt = ({ header }: { header: MessageHeader }) =>
      header.replySerial === serial || (header.type === METHOD_CALL && header.serial === serial);
    await this.#until(() => this.#messages.some(isIt));
    return this.#messages.find(isIt) ?? { header: parseHeader(HELLO, 0), contents: [] };
  }

  async ended(): Promise<boolean> {
    await this.#until(() => this.#hasEnded);
    return this.#hasEnded;
  }

  [Symbol.dispose](): void {
    this.#socket.close();
  }

  async #until(isDone: () => boolean): Promise<void> {
    const progress = () => {
      this.#read();
      return isDone() || this.#hasEnded;
    };
    await vi.waitUntil(progress, { interval: 1, timeout: 5_000 });
  }

  #read(): void {
    const received = this.#socket.receive({ exact: true });
    if (received === undefined) return;
    if (received.type === "end") {
      this.#hasEnded = true;
      return;
    }
    this.#fds.push(...received.fds);
    this.#splitter.push(Buffer.from(this.#takeText(received.bytes)));
    while (this.#splitter.advance()) this.#take();
    this.#splitter.keep();
  }

  /** @returns bytes behind the two lines of the authentication */
  #takeText(bytes: Buffer): Buffer {
    let from = 0;
    while (from < bytes.length && this.#text.split("\r\n").length < 3) {
      this.#text += bytes.toString("latin1", from, from + 1);
      from += 1;
    }
    return bytes.subarray(from);
  }

  #take(): void {
    const { header, bytes, start } = this.#splitter;
    if (header === undefined) return;
    const contents = this.#fds.splice(0, header.unixFds).map(contentOf);
    this.#messages.push({ header, contents });
    if (header.replySerial === 1) {
      const body = start + header.headerLength;
      this.name = bytes.toString("latin1", body + 4, body + 4 + bytes.readUInt32LE(body));
    }
  }
}

/** A call whose header announces this many fds; its body does not use them. */
function call(destination: string, serial: number, unixFds: number, text = ""): Buffer {
  const body = strings(text);
  const parts = { type: METHOD_CALL, serial, path: "/p", member: "Take", destination };
  const message = writeMessage(text === "" ? parts : { ...parts, body });
  if (unixFds === 0) return message;
  const { headerLength } = parseHeader(message, 0);
  const field = Buffer.from([9, 1, "u".charCodeAt(0), 0, unixFds, 0, 0, 0]);
  const head = Buffer.concat([message.subarray(0, headerLength), field]);
  head.writeUInt32LE(head.length - 16, 12);
  return Buffer.concat([head, message.subarray(headerLength)]);
}

/** Wait until the broker, which runs in this process, has closed all descriptors of the session. */
async function settled(before: number): Promise<void> {
  await vi.waitUntil(() => openFds() <= before, { timeout: 5_000 });
}
