import { spawn, spawnSync, execFile } from "node:child_process";
import { once } from "node:events";
import { chmodSync, closeSync, constants, openSync, writeFileSync } from "node:fs";
import { Socket } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { connectAs } from "../linux/connect-as.ts";
import { connectToInode } from "../linux/unix-stream.ts";
import { dbusPlugin } from "./dbus.ts";
import type { Credentials } from "./plugin.ts";
import { Bench } from "./socket-bench.fixture.ts";

const run = promisify(execFile);

/** O_PATH is not in node:fs. */
const O_PATH = 0o10000000;

/** Why these tests cannot run here, or undefined. */
function obstacle(): string | undefined {
  if (process.getuid?.() !== 0) return "changing credentials needs root";
  const missing = ["dbus-daemon", "dbus-send", "busctl"].filter(
    (tool) => spawnSync(tool, ["--version"]).error !== undefined,
  );
  return missing.length === 0 ? undefined : `not installed: ${missing.join(", ")}`;
}

const why = obstacle();

describe.skipIf(why !== undefined)(
  `a real dbus-daemon${why === undefined ? "" : ` (${why})`}`,
  () => {
    test.each([
      ["nobody", "", 65_534],
      ["root", "", 0],
      ["1", "", 1], // dbus-daemon wants to know the groups of a uid: the host must have it
      ["nobody", "dbus-role-ignored", 0],
    ])(
      "sees role %s with quirks '%s' as uid %i, asked by dbus-send and busctl",
      async (role, quirks, uid) => {
        await using bus = await Bus.start(role, quirks);
        expect(await bus.uidOf(await bus.hold("\0AUTH EXTERNAL 30\r\nBEGIN\r\n"))).toBe(uid);
        const { stdout } = await run("dbus-send", [
          `--bus=unix:path=${bus.consumerPath}`,
          "--print-reply=literal",
          "--dest=org.freedesktop.DBus",
          "/org/freedesktop/DBus",
          "org.freedesktop.DBus.GetId",
        ]);
        expect(stdout.trim()).toMatch(/^[0-9a-f]{32}$/);
        expect((await bus.busctl(bus.consumerPath, "GetId")).trim()).toMatch(/^s "[0-9a-f]{32}"$/);
      },
    );

    const bare = "\0AUTH EXTERNAL\r\nDATA\r\nNEGOTIATE_UNIX_FD\r\nBEGIN\r\n";
    const second = "\0AUTH EXTERNAL 31323334\r\nAUTH EXTERNAL 30\r\nBEGIN\r\n";
    test.each([
      ["a bare AUTH", bare, "", 65_534],
      ["a bare AUTH", bare, "dbus-bare-auth", 0],
      ["a second AUTH", second, "", 65_534],
      ["a second AUTH", second, "dbus-second-auth", 0],
    ])("gives %s (%j) of role nobody, quirks '%s', uid %i", async (_name, wire, quirks, uid) => {
      await using bus = await Bus.start("nobody", quirks);
      expect(await bus.uidOf(await bus.hold(wire))).toBe(uid);
    });

    test("sees one connection for each of the consumer's, dbus-shared-connection apart", async () => {
      const libdbus = "\0AUTH EXTERNAL 30\r\nBEGIN\r\n";
      await using bus = await Bus.start("nobody", "");
      expect(await bus.hold(libdbus)).not.toBe(await bus.hold(libdbus));
      await using one = await Bus.start("nobody", "dbus-shared-connection");
      const name = await one.hold(libdbus);
      // The daemon refuses the second Hello of a connection, by its unique name.
      expect(await one.hold(libdbus)).toBe(name);
    });

    test("dbus-auth-strict keeps busctl out", async () => {
      await using bus = await Bus.start("nobody", "dbus-auth-strict");
      await expect(bus.busctl(bus.consumerPath, "GetId")).rejects.toThrow();
    });
  },
);

/** A bus with a link in front of it. */
class Bus {
  readonly #bench: Bench;
  readonly #end: () => Promise<void>;

  private constructor(bench: Bench, end: () => Promise<void>) {
    this.#bench = bench;
    this.#end = end;
  }

  static async start(role: string, quirks: string): Promise<Bus> {
    const files = { "/etc/passwd": "root:x:0:0:::\nnobody:x:65534:65534:::" };
    const bench = new Bench({ plugin: dbusPlugin, role, quirks, files, dial });
    chmodSync(bench.directory, 0o755);
    const config = join(bench.directory, "bus.conf");
    writeFileSync(config, configuration(bench.providerPath));
    const daemon = spawn(
      "dbus-daemon",
      [`--config-file=${config}`, "--nofork", "--print-address"],
      {
        stdio: ["ignore", "pipe", "ignore"],
      },
    );
    await once(daemon.stdout, "data"); // the address is printed once it listens
    await bench.start();
    return new Bus(bench, async () => {
      bench[Symbol.dispose]();
      const exited = once(daemon, "exit");
      daemon.kill();
      await exited;
    });
  }

  get consumerPath(): string {
    return this.#bench.consumerPath;
  }

  /** Authenticate with these bytes, say Hello, stay. @returns the unique name */
  async hold(authentication: string): Promise<string> {
    const socket = this.#bench.consume();
    socket.write(Buffer.concat([Buffer.from(authentication, "latin1"), HELLO]));
    let text = "";
    for await (const chunk of socket.iterator({
      destroyOnReturn: false,
    }) as AsyncIterable<Buffer>) {
      text += chunk.toString("latin1");
      const name = /:1\.\d+/.exec(text)?.[0];
      if (name !== undefined) return name;
    }
    throw new Error(`no Hello reply in ${JSON.stringify(text)}`);
  }

  /** Asked directly of the daemon, not through the link. */
  async uidOf(name: string): Promise<number> {
    const answer = await this.busctl(this.#bench.providerPath, "GetConnectionUnixUser", "s", name);
    return Number(answer.replace("u ", ""));
  }

  async busctl(path: string, member: string, ...values: string[]): Promise<string> {
    const bus = "org.freedesktop.DBus";
    const { stdout } = await run("busctl", [
      `--address=unix:path=${path}`,
      "--timeout=2",
      "call",
      ...[bus, "/org/freedesktop/DBus", bus, member, ...values],
    ]);
    return stdout;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#end();
  }
}

/** As the broker connects: by inode, with the thread's credentials changed. */
function dial(path: string, credentials: Credentials | undefined): Promise<Socket> {
  const inode = openSync(path, constants.O_RDONLY | O_PATH);
  try {
    const fd = credentials === undefined ? connectToInode(inode) : connectAs(inode, credentials);
    return Promise.resolve(new Socket({ fd, allowHalfOpen: true, readable: true, writable: true }));
  } finally {
    closeSync(inode);
  }
}

function configuration(path: string): string {
  return `<busconfig>
  <type>system</type>
  <listen>unix:path=${path}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/>
    <allow send_destination="*"/>
    <allow receive_sender="*"/>
  </policy>
</busconfig>`;
}

/** The method call Hello to org.freedesktop.DBus, little-endian, serial 1. */
const HELLO = message([
  [1, "o", "/org/freedesktop/DBus"],
  [6, "s", "org.freedesktop.DBus"],
  [2, "s", "org.freedesktop.DBus"],
  [3, "s", "Hello"],
]);

function message(
  fields: readonly (readonly [code: number, type: string, value: string])[],
): Buffer {
  let array = Buffer.alloc(0);
  for (const [code, type, value] of fields) {
    const length = Buffer.alloc(4);
    length.writeUInt32LE(value.length);
    const text = Buffer.from(`${value}\0`);
    const variant = Buffer.from([code, 1, type.charCodeAt(0), 0]);
    array = Buffer.concat([padded(array), variant, length, text]);
  }
  const head = Buffer.alloc(16);
  head.write("l\x01\0\x01", "latin1");
  head.writeUInt32LE(1, 8);
  head.writeUInt32LE(array.length, 12);
  return padded(Buffer.concat([head, array]));
}

function padded(bytes: Buffer): Buffer {
  return Buffer.concat([bytes, Buffer.alloc(-bytes.length & 7)]);
}
