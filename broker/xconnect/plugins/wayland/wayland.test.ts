import { closeSync, openSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { MessageSocket } from "../../../shared/linux/message-socket.ts";
import { makePipe } from "../../../shared/linux/pipe.ts";
import { socketPair } from "../../../shared/linux/socket-pair.fixture.ts";
import { displayError } from "../../../shared/protocols/wayland/display-error.ts";
import { encodeMessage as wire } from "../../../shared/protocols/wayland/encode-message.ts";
import { Session } from "../../links/session.ts";
import { contentOf, memfd, openFds } from "../descriptors.fixture.ts";
import { Bench } from "../socket-bench.fixture.ts";
import { waylandPlugin } from "./wayland.ts";

const GET_REGISTRY = wire(1, 1, 2);
const global = (name: number, offered: string, version: number) =>
  wire(2, 0, name, offered, version);
const bind = (name: number, wanted: string, version: number, id: number) =>
  wire(2, 0, name, wanted, version, id);

const globals = [
  { interface: "wl_compositor", version: 4 },
  { interface: "wl_shm" },
  { interface: "wl_seat" },
  { interface: "wl_data_device_manager" },
];

let bench: Bench;
let client: MessageSocket;
let compositor: MessageSocket;
let session: Session;
let ended: Promise<void>;
let before: number;

beforeEach(async () => {
  // Open what the first session of a thread opens for all later ones.
  open();
  client.close();
  compositor.close();
  await ended;
  before = openFds();
  open();
});

afterEach(async () => {
  client.close();
  compositor.close();
  await ended;
  await vi.waitUntil(() => openFds() <= before, { timeout: 5_000 });
  bench[Symbol.dispose]();
});

function open(): void {
  const [dialled, compositorEnd] = socketPair("stream");
  const [accepted, clientEnd] = socketPair("stream");
  client = clientEnd;
  compositor = compositorEnd;
  const dials = [withoutContexts(), dialled.fd];
  bench = new Bench({
    plugin: waylandPlugin,
    extensions: { globals },
    dial: () => dials.shift() ?? -1,
  });
  session = new Session(accepted.fd);
  ended = Promise.resolve(waylandPlugin.onAccept?.(bench.link, session, bench.tools));
}

/** Connection to a compositor without globals, which is asked for a security context. */
function withoutContexts(): number {
  const [asked, answers] = socketPair("stream");
  answers.send(wire(3, 0, 1), { fds: [] });
  answers.close();
  return asked.fd;
}

interface Arrived {
  readonly bytes: Buffer;
  readonly fds: readonly number[];
  readonly hasEnded: boolean;
}

/** Bytes that arrive until there are `count` of them, or the end. */
async function read(socket: MessageSocket, count = Infinity): Promise<Arrived> {
  let bytes: Buffer = Buffer.alloc(0);
  const fds: number[] = [];
  let hasEnded = false;
  await vi.waitUntil(
    () => {
      const received = socket.receive();
      if (received?.type === "end") hasEnded = true;
      else if (received !== undefined) {
        bytes = Buffer.concat([bytes, received.bytes]);
        fds.push(...received.fds);
      }
      return hasEnded || bytes.length >= count;
    },
    { interval: 1, timeout: 5_000 },
  );
  return { bytes, fds, hasEnded };
}

/** Send bytes with fds, and close the fds. */
function send(socket: MessageSocket, bytes: Buffer, fds: readonly number[] = []): void {
  expect(socket.send(bytes, { fds })).toBe(bytes.length);
  for (const fd of fds) closeSync(fd);
}

/** The consumer has a registry, and the compositor's globals have been sent. */
async function withGlobals(...events: readonly Buffer[]): Promise<Buffer> {
  send(client, GET_REGISTRY);
  expect((await read(compositor, GET_REGISTRY.length)).bytes).toEqual(GET_REGISTRY);
  send(client, wire(1, 0, 3));
  await read(compositor, 12);
  send(compositor, Buffer.concat([...events, wire(3, 0, 1)]));
  const shown = await read(client, 12);
  return shown.bytes.subarray(0, -12);
}

async function expectRefusal(error: Buffer, line: string): Promise<void> {
  const told = await read(client);
  expect(told.bytes.toString("latin1")).toBe(error.toString("latin1"));
  expect(await read(compositor)).toMatchObject({ hasEnded: true });
  expect(bench.warnings).toEqual([
    `pvx-wayland: Closing a session of client/svc (role admin): ${line}`,
  ]);
  expect([bench.counters.get("rejections"), bench.notes]).toEqual([1, [line]]);
}

describe("the globals of a session", () => {
  test("are those that the link allows, in its versions, and can be bound", async () => {
    const shown = await withGlobals(
      global(1, "wl_compositor", 5),
      global(2, "zwlr_screencopy_manager_v1", 3),
      global(3, "wl_shm", 1),
      wire(2, 1, 2),
      wire(2, 1, 3),
    );
    expect(shown).toEqual(
      Buffer.concat([global(1, "wl_compositor", 4), global(3, "wl_shm", 1), wire(2, 1, 3)]),
    );
    // A bind may cross the removal of its global: the compositor decides.
    const binds = Buffer.concat([bind(1, "wl_compositor", 4, 4), bind(3, "wl_shm", 1, 5)]);
    send(client, binds);
    expect((await read(compositor, binds.length)).bytes).toEqual(binds);
    expect(bench.counters.get("rejections")).toBeUndefined();
  });

  test.each<[string, Buffer, string]>([
    [
      "a hidden name",
      bind(2, "zwlr_screencopy_manager_v1", 1, 4),
      "invalid global zwlr_screencopy_manager_v1 (2)",
    ],
    ["a name that was never told", bind(9, "wl_shm", 1, 4), "invalid global wl_shm (9)"],
    [
      "an allowed interface under a hidden name",
      bind(2, "wl_shm", 1, 4),
      "invalid global wl_shm (2)",
    ],
    [
      "a hidden interface under an allowed name",
      bind(1, "zwlr_screencopy_manager_v1", 1, 4),
      "invalid global zwlr_screencopy_manager_v1 (1)",
    ],
    [
      "a name that would write a line into the log",
      bind(1, "a\nb", 1, 4),
      "invalid global a\\nb (1)",
    ],
    [
      "a version above the link's",
      bind(1, "wl_compositor", 5, 4),
      "invalid version for global wl_compositor (1): have 4, wanted 5",
    ],
    [
      "version 0",
      bind(1, "wl_compositor", 0, 4),
      "invalid version for global wl_compositor (1): have 4, wanted 0",
    ],
  ])("refuse %s, and nothing of it arrives", async (_what, request, text) => {
    await withGlobals(global(1, "wl_compositor", 5), global(2, "zwlr_screencopy_manager_v1", 3));
    send(client, request);
    await expectRefusal(displayError(2, 0, text), `refused: ${text}`);
  });

  test("are judged anew when a name comes back with another interface", async () => {
    await withGlobals(
      global(1, "wl_compositor", 5),
      wire(2, 1, 1),
      global(1, "zwlr_screencopy_manager_v1", 3),
    );
    send(client, bind(1, "wl_compositor", 4, 4));
    const text = "invalid global wl_compositor (1)";
    await expectRefusal(displayError(2, 0, text), `refused: ${text}`);
  });
});

describe("a message that is wrong ends its session", () => {
  const misfits: [string, Buffer, number, string][] = [
    ["of 4 bytes", Buffer.from([1, 0, 0, 0, 0, 0, 4, 0]), 1, "a message of 4 bytes"],
    ["of 13 bytes", Buffer.from([1, 0, 0, 0, 0, 0, 13, 0]), 1, "a message of 13 bytes"],
    [
      "of 4,100 bytes",
      Buffer.from([1, 0, 0, 0, 0, 0, 4, 16]),
      1,
      "a message of 4100 bytes, more than 4096",
    ],
    ["to an unknown object", wire(77, 0), 0, "invalid object 77"],
    ["to a server's object that is unknown", wire(0xff00_0000, 0), 0, "invalid object 4278190080"],
    ["with an unknown opcode", wire(1, 9), 1, "invalid method 9 of wl_display version 1"],
    [
      "with an id that leaves a gap",
      wire(1, 0, 9),
      1,
      "wl_display.sync: the new id 9 leaves a gap",
    ],
    ["with an id in use", wire(1, 0, 1), 1, "wl_display.sync: the new id 1 is in use"],
    [
      "with an id of the server's",
      wire(1, 0, 0xff00_0000),
      1,
      "wl_display.sync: the new id 4278190080 is no id of a client",
    ],
    [
      "that is too long",
      wire(1, 0, 2, 0),
      1,
      "invalid arguments for wl_display.sync: 16 bytes instead of 12",
    ],
  ];

  test.each(misfits)("from the consumer: %s", async (_what, request, code, text) => {
    send(client, request);
    await expectRefusal(displayError(1, code, text), `refused: ${text}`);
  });

  test("from the compositor", async () => {
    send(compositor, wire(5, 0));
    const text = "the compositor sent invalid object 5";
    await expectRefusal(displayError(1, 3, text), text);
  });

  test("and those before it have arrived", async () => {
    send(client, Buffer.concat([GET_REGISTRY, wire(1, 0, 3), wire(9, 9)]));
    const { bytes, hasEnded } = await read(compositor);
    expect([bytes, hasEnded]).toEqual([Buffer.concat([GET_REGISTRY, wire(1, 0, 3)]), true]);
  });
});

describe("fds", () => {
  const POOL = Buffer.concat([bind(1, "wl_shm", 1, 4), wire(4, 0, 5, 9)]);

  test("go with the message that claims them, both ways", async () => {
    await withGlobals(global(1, "wl_shm", 1), global(2, "wl_seat", 7));
    const more = Buffer.concat([bind(2, "wl_seat", 7, 6), wire(6, 1, 7)]);
    send(client, POOL, [memfd("pool")]);
    send(client, more);
    const { bytes, fds } = await read(compositor, POOL.length + more.length);
    expect([bytes, fds.map(contentOf)]).toEqual([Buffer.concat([POOL, more]), ["pool"]]);
    const keymap = wire(7, 0, 1, 64);
    send(compositor, keymap, [memfd("keymap")]);
    const told = await read(client, keymap.length);
    expect([told.bytes, told.fds.map(contentOf)]).toEqual([keymap, ["keymap"]]);
  });

  test.each<[string, () => number[], string]>([
    ["is missing", () => [], "wl_shm.create_pool without its file descriptor"],
    [
      "is a directory",
      () => [openSync("/", "r")],
      "wl_shm.create_pool with an fd that may not pass (directory)",
    ],
    ["is a pipe", () => [pipeEnd()], "wl_shm.create_pool with an fd that may not pass (pipe)"],
  ])("end the session when one %s", async (_what, fds, text) => {
    await withGlobals(global(1, "wl_shm", 1));
    send(client, POOL, fds());
    const told = await read(client);
    expect(told.bytes).toEqual(displayError(1, 1, text));
    expect((await read(compositor)).fds).toEqual([]);
  });

  test("end the session when too many belong to no message", async () => {
    await withGlobals();
    const sync = wire(1, 0, 4);
    send(
      client,
      sync,
      Array.from({ length: 64 }, () => memfd("x")),
    );
    expect((await read(compositor, sync.length)).fds).toEqual([]);
    send(client, wire(1, 0, 5), [memfd("x")]);
    const { bytes } = await read(client);
    expect(bytes).toEqual(displayError(1, 3, "65 fds without a message"));
  });
});

describe("an end", () => {
  test("is passed on behind what came before it, and the other way goes on", async () => {
    await withGlobals();
    const sync = wire(1, 0, 4);
    send(client, sync);
    client.endWriting();
    expect(await read(compositor)).toMatchObject({ bytes: sync, hasEnded: true });
    send(compositor, wire(4, 0, 1));
    compositor.endWriting();
    expect(await read(client)).toMatchObject({ bytes: wire(4, 0, 1), hasEnded: true });
    await ended;
  });

  test("of the compositor comes behind its error", async () => {
    const error = displayError(1, 1, "no");
    send(compositor, error);
    compositor.close();
    expect(await read(client)).toMatchObject({ bytes: error, hasEnded: true });
    await ended;
  });

  test("of the link closes both sides", async () => {
    session.end(new Error("the link has gone"));
    await ended;
    expect(await read(client)).toMatchObject({ hasEnded: true });
    expect(await read(compositor)).toMatchObject({ hasEnded: true });
  });

  test("soon after the registry names the basics that the link hides", async () => {
    await withGlobals(global(1, "xdg_wm_base", 3), global(2, "wl_output", 3));
    client.close();
    await ended;
    expect(bench.lines.at(-1)).toBe(
      "pvx-wayland: A session of client/svc (role admin) ended within a second: the link hides xdg_wm_base, without which many clients crash",
    );
  });
});

test("a compositor that does not read is not sent more than the sockets hold", async () => {
  await withGlobals();
  let sent = 0;
  let id = 4;
  for (let idle = 0; idle < 20;) {
    const requests = Buffer.concat(
      Array.from({ length: 100 }, (_, index) => wire(1, 0, id + index)),
    );
    const taken = client.hasRoom() ? client.send(requests, { fds: [] }) : undefined;
    if (taken === undefined) {
      idle += 1;
      await new Promise((resolve) => setImmediate(resolve));
      continue;
    }
    expect(taken).toBe(requests.length);
    [idle, sent, id] = [0, sent + taken, id + 100];
    if (id > 60_000) break;
  }
  expect(sent).toBeLessThan(60_000 * 12);
  const { bytes } = await read(compositor, sent);
  expect(bytes.length).toBe(sent);
});

test("a link whose list names an interface without signatures is refused by its name", async () => {
  using wrong = new Bench({
    plugin: waylandPlugin,
    extensions: { globals: [{ interface: "zwlr_layer_shell_v1" }] },
  });
  await expect(wrong.start()).rejects.toThrow(
    'globals.0.interface: this build has no signatures of "zwlr_layer_shell_v1"',
  );
});

function pipeEnd(): number {
  const { read: end, write } = makePipe(4096);
  closeSync(write);
  return end;
}
