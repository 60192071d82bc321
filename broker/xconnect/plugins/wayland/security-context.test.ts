import { closeSync, readSync } from "node:fs";
import { afterEach, beforeAll, expect, test, vi } from "vitest";
import { MessageSocket } from "../../../shared/linux/message-socket.ts";
import { socketPair } from "../../../shared/linux/socket-pair.fixture.ts";
import { accept } from "../../../shared/linux/stream-io.ts";
import { encodeMessage } from "../../../shared/protocols/wayland/encode-message.ts";
import { openFds } from "../descriptors.fixture.ts";
import { Bench } from "../socket-bench.fixture.ts";
import { waylandPlugin } from "./wayland.ts";

const MANAGER = "wp_security_context_manager_v1";
const global = encodeMessage(2, 0, 7, MANAGER, 1);
const announced = Buffer.concat([encodeMessage(2, 0, 1, "wl_shm", 1), global]);
const synced = (id: number) => encodeMessage(id, 0, 1);

let bench: Bench | undefined;
function close(): void {
  if (bench !== undefined) waylandPlugin.onLinkRemoved?.(bench.link);
  bench?.[Symbol.dispose]();
  bench = undefined;
}
afterEach(close);

beforeAll(async () => {
  // Open what the first session of a thread opens for all later ones.
  const { bench: link, peers } = await linkTo(answer(synced(3)));
  link.consume();
  await vi.waitUntil(() => peers.length === 2);
  for (const peer of peers) peer.close();
  close();
});

/** A link whose compositor is this; the other ends of the connections that it gets come in order. */
async function linkTo(...compositors: readonly ((peer: MessageSocket) => void)[]) {
  const peers: MessageSocket[] = [];
  bench = new Bench({
    plugin: waylandPlugin,
    dial: () => {
      const [dialled, peer] = socketPair("stream");
      compositors[peers.length]?.(peer);
      peers.push(peer);
      return dialled.fd;
    },
  });
  await bench.start();
  return { bench, peers };
}

/** Bytes and fds that a side has got, once the bytes end with these. */
async function until(peer: MessageSocket, last: Buffer): Promise<{ bytes: Buffer; fds: number[] }> {
  let bytes: Buffer = Buffer.alloc(0);
  const fds: number[] = [];
  await vi.waitUntil(
    () => {
      const received = peer.receive();
      if (received?.type !== "message") return false;
      bytes = Buffer.concat([bytes, received.bytes]);
      fds.push(...received.fds);
      return bytes.subarray(-last.length).equals(last);
    },
    { interval: 1, timeout: 5_000 },
  );
  return { bytes, fds };
}

const answer =
  (...events: readonly Buffer[]) =>
  (peer: MessageSocket) =>
    void peer.send(Buffer.concat(events), { fds: [] });

test("where a compositor offers it, each session is one of the container's sandbox", async () => {
  const { bench: link, peers } = await linkTo(answer(announced, synced(3)));
  const before = openFds();
  const first = link.consume();
  await vi.waitUntil(() => peers.length > 0);
  const [asked] = peers as [MessageSocket];
  const sync = encodeMessage(1, 0, 6);
  const { bytes, fds } = await until(asked, sync);
  const wanted = [
    encodeMessage(1, 1, 2),
    encodeMessage(1, 0, 3),
    encodeMessage(2, 0, 7, MANAGER, 1, 4),
    encodeMessage(4, 1, 5),
    encodeMessage(5, 1, "org.pantavisor"),
    encodeMessage(5, 2, "client"),
    encodeMessage(5, 3, "svc"),
    encodeMessage(5, 4),
    encodeMessage(5, 0),
    sync,
  ];
  expect(bytes.toString("latin1")).toBe(Buffer.concat(wanted).toString("latin1"));
  expect(fds).toHaveLength(2);
  const [listener = -1, alive = -1] = fds;
  asked.send(synced(6), { fds: [] });
  const get = encodeMessage(1, 1, 2);
  const second = link.consume();
  for (const consumer of [first, second]) {
    consumer.write(get);
    let fd = -1;
    await vi.waitUntil(() => (fd = accept(listener)) >= 0);
    const session = new MessageSocket(fd, "stream");
    expect((await until(session, get)).bytes).toEqual(get);
    session.close();
  }
  // Not one session has come to the compositor's own socket.
  expect(peers).toHaveLength(1);
  expect(link.lines).toContain("pvx-wayland: client/svc: sessions have a security context");

  // The link goes: the pipe ends, by which the compositor knows that it need not listen any more.
  expect(() => readSync(alive, Buffer.alloc(1))).toThrow("EAGAIN");
  waylandPlugin.onLinkRemoved?.(link.link);
  expect(readSync(alive, Buffer.alloc(1))).toBe(0);
  for (const fd of [listener, alive]) closeSync(fd);
  asked.close();
  for (const consumer of [first, second]) consumer.destroy();
  await vi.waitUntil(() => openFds() <= before, { timeout: 5_000 });
});

test("a compositor without it is asked once, and its sessions are plain ones", async () => {
  const { bench: link, peers } = await linkTo(
    answer(encodeMessage(2, 0, 1, "wl_shm", 1), synced(3)),
  );
  const get = encodeMessage(1, 1, 2);
  for (const count of [2, 3]) {
    link.consume().write(get);
    await vi.waitUntil(() => peers.length === count);
    const session = peers[count - 1];
    if (session !== undefined) expect((await until(session, get)).bytes).toEqual(get);
  }
});

test("where the broker cannot listen, the session fails and the broker goes on", async () => {
  const { bench: link } = await linkTo(answer(announced, synced(3)));
  vi.stubEnv("TMPDIR", "/nonexistent");
  try {
    link.consume();
    await vi.waitUntil(() => link.warnings.length > 0, { timeout: 5_000 });
  } finally {
    vi.unstubAllEnvs();
  }
  expect(link.warnings).toEqual([expect.stringContaining("the broker cannot listen: ENOENT")]);
});

test.each([
  ["refuses it", answer(announced, synced(3), encodeMessage(1, 0, 4, 1, "no"))],
  ["has gone", (peer: MessageSocket) => peer.close()],
  ["sends a message of 4 bytes", answer(Buffer.from([3, 0, 0, 0, 0, 0, 4, 0]))],
])(
  "no session goes without it where the compositor %s, and the next one asks anew",
  async (what, first) => {
    const { bench: link, peers } = await linkTo(first, answer(synced(3)));
    link.consume();
    const line = `Error: the compositor was asked for a security context, and ${what}`;
    await vi.waitUntil(() => link.warnings.length > 0, { timeout: 5_000 });
    expect([link.warnings, peers.length]).toEqual([[line], 1]);
    link.consume();
    await vi.waitUntil(() => peers.length === 3, { timeout: 5_000 });
  },
);
