import { execFile, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, closeSync, constants, openSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import type { GraphEntry } from "../../../shared/formats/graph.ts";
import { connectAs } from "../../../shared/linux/connect-as.ts";
import { O_PATH } from "../../../shared/linux/openat2.ts";
import { connectToInode } from "../../../shared/linux/unix-stream.ts";
import { dbusPlugin } from "./dbus.ts";
import type { Credentials } from "../plugin.ts";
import { Bench } from "../socket-bench.fixture.ts";

const run = promisify(execFile);

/** The reason why these tests cannot run here; undefined when they can. */
export function obstacle(): string | undefined {
  if (process.getuid?.() !== 0) return "changing credentials needs root";
  const missing = ["dbus-daemon", "dbus-send", "busctl"].filter(
    (tool) => spawnSync(tool, ["--version"]).error !== undefined,
  );
  return missing.length === 0 ? undefined : `not installed: ${missing.join(", ")}`;
}

/** A bus with a link in front of it. */
export class RealBus {
  readonly #bench: Bench;
  readonly #end: () => Promise<void>;

  private constructor(bench: Bench, end: () => Promise<void>) {
    this.#bench = bench;
    this.#end = end;
  }

  static async start(
    role: string,
    quirks: string,
    entry: Partial<GraphEntry> = {},
  ): Promise<RealBus> {
    const files = { "/etc/passwd": "root:x:0:0:::\nnobody:x:65534:65534:::" };
    const bench = new Bench({ plugin: dbusPlugin, role, quirks, files, dial, entry });
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
    return new RealBus(bench, async () => {
      bench[Symbol.dispose]();
      const exited = once(daemon, "exit");
      daemon.kill();
      await exited;
    });
  }

  get consumerPath(): string {
    return this.#bench.consumerPath;
  }

  get lines(): readonly string[] {
    return this.#bench.lines;
  }

  get counters(): ReadonlyMap<string, number> {
    return this.#bench.counters;
  }

  /** Last errors of the link, in order. */
  get notes(): readonly string[] {
    return this.#bench.notes;
  }

  get warnings(): readonly string[] {
    return this.#bench.warnings;
  }

  /**
   * Connect, authenticate with these bytes, send Hello, and stay connected. @returns the unique
   * name
   */
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

  /** The uid of a name's owner, asked of the daemon directly and not through the link. */
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

/** Connect as the broker does: by inode, with the thread's credentials changed. */
function dial(path: string, credentials: Credentials | undefined): number {
  const inode = openSync(path, constants.O_RDONLY | O_PATH);
  try {
    return credentials === undefined ? connectToInode(inode) : connectAs(inode, credentials);
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
    <allow user="*"/> <allow own="*"/>
    <allow send_destination="*"/>
    <allow receive_sender="*"/>
  </policy>
</busconfig>`;
}

/** The method call Hello to org.freedesktop.DBus, little-endian, serial 1. */
export const HELLO = message([
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
