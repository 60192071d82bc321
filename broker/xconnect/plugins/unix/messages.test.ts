import {
  closeSync,
  fstatSync,
  mkdirSync,
  openSync,
  readSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { afterEach, describe, expect, it, vi } from "vitest";
import { MessageSocket } from "../../../shared/linux/message-socket.ts";
import type { Received } from "../../../shared/linux/message-socket.ts";
import { O_DIRECTORY, O_PATH } from "../../../shared/linux/openat2.ts";
import { createMemfd } from "../../../shared/linux/sealed-memfd.ts";
import { passCredentials } from "../../../shared/linux/socket-pair.fixture.ts";
import { connectToInode, listenIn } from "../../../shared/linux/unix-stream.ts";
import type { SocketType } from "../../../shared/linux/unix-stream.ts";
import { BrokerBench } from "../../links/broker.fixture.ts";
import type { ContainerStandIn } from "../../links/container-stand-in.fixture.ts";
import type { OpenFiles } from "../../planes/open-files.ts";
import { Listener } from "../../links/listener.ts";

const TARGET = "/run/pv/services/raw.sock";
const tick = () => new Promise<void>((resolve) => setImmediate(resolve));

/** Connect without node:net. */
function connect(path: string, type: SocketType): MessageSocket {
  const inode = openSync(path, O_PATH);
  try {
    return new MessageSocket(connectToInode(inode, { type }), type);
  } finally {
    closeSync(inode);
  }
}

async function next(socket: MessageSocket): Promise<Received> {
  for (;;) {
    const received = socket.receive();
    if (received === undefined) await tick();
    else if (received.type === "end") return received;
    else return { ...received, bytes: Buffer.from(received.bytes) };
  }
}

async function text(socket: MessageSocket): Promise<string> {
  const received = await next(socket);
  return received.type === "end" ? "END" : received.bytes.toString();
}

// Processes in mount namespaces of their own stand for containers: only root can make them.
describe.skipIf(process.getuid?.() !== 0)(
  "unix links with manifest extensions (needs root)",
  () => {
    let bench: BrokerBench;
    let consumer: ContainerStandIn;
    let provider: ContainerStandIn;
    const listeners: Listener[] = [];
    const sockets: MessageSocket[] = [];

    async function start(
      extensions: Record<string, unknown>,
      line = /Link established/,
      files?: OpenFiles,
    ) {
      bench = new BrokerBench("", files);
      [consumer, provider] = await Promise.all([bench.container(), bench.container()]);
      mkdirSync(provider.path("/run/example"));
      await bench.start();
      return await bench.reconcile([entry(extensions)], line);
    }

    function entry(extensions: Record<string, unknown>): Record<string, unknown> {
      return {
        consumer: "client",
        consumer_pid: consumer.pid,
        provider: "server",
        provider_pid: provider.pid,
        name: "raw",
        type: "unix",
        role: "admin",
        interface: "unix",
        target: TARGET,
        socket: "/run/example/raw.sock",
        ...extensions,
      };
    }

    /** Listen on a socket of the provider, and return its next connection. */
    function listen(name: string, type: SocketType): Promise<MessageSocket> {
      const directory = openSync(provider.path("/run/example"), O_PATH | O_DIRECTORY);
      const fd = listenIn(directory, name, 0o600, 8, { type });
      closeSync(directory);
      const { promise, resolve, reject } = Promise.withResolvers<MessageSocket>();
      const accept = (accepted: number) => resolve(keep(new MessageSocket(accepted, type)));
      listeners.push(new Listener(fd, type, accept, reject));
      return promise;
    }

    function keep(socket: MessageSocket): MessageSocket {
      passCredentials(socket);
      sockets.push(socket);
      return socket;
    }

    function dial(type: SocketType): MessageSocket {
      const socket = connect(consumer.path(TARGET), type);
      sockets.push(socket);
      return socket;
    }

    afterEach(async () => {
      for (const socket of sockets.splice(0)) socket.close();
      for (const listener of listeners.splice(0)) listener.close();
      await bench.stop();
    });

    it("carry packets, with the greeting as the first one", async () => {
      await start({ socketType: "seqpacket", identity: "greeting" });
      const accepted = listen("raw.sock", "seqpacket");
      const socket = dial("seqpacket");
      socket.send(Buffer.from("one"), { fds: [] });
      socket.send(Buffer.from("two"), { fds: [] });
      const peer = await accepted;
      expect([await text(peer), await text(peer), await text(peer)]).toEqual([
        '{"client":"client","role":"admin"}',
        "one",
        "two",
      ]);
      peer.send(Buffer.from("answer"), { fds: [] });
      expect(await text(socket)).toBe("answer");
      peer.close();
      expect(await text(socket)).toBe("END");
    });

    it("greet on a stream with a line, before the consumer's bytes", async () => {
      await start({ identity: "greeting" });
      const accepted = listen("raw.sock", "stream");
      dial("stream").send(Buffer.from('{"client":"root","role":"root"}\n'), { fds: [] });
      const peer = await accepted;
      const both = '{"client":"client","role":"admin"}\n{"client":"root","role":"root"}\n';
      let heard = "";
      while (heard.length < both.length) heard += await text(peer);
      expect(heard).toBe(both);
    });

    it("change planes with their manifests", async () => {
      await start({});
      const plain = listen("raw.sock", "stream");
      const before = dial("stream");
      before.send(Buffer.from("hello"), { fds: [] });
      const first = await plain;
      expect(await text(first)).toBe("hello");
      listeners.pop()?.close();
      unlinkSync(provider.path("/run/example/raw.sock"));

      await bench.reconcile([entry({ identity: "greeting" })], "Link established: client/raw");
      expect([await text(before), await text(first)]).toEqual(["END", "END"]);
      const accepted = listen("raw.sock", "stream");
      dial("stream");
      expect(await text(await accepted)).toBe('{"client":"client","role":"admin"}\n');
      expect(bench.broker.status().links[0]?.counters["sessions"]).toBe(2);
    });

    it("tell who the consumer is by control messages, from the provider's passwd", async () => {
      await start({ identity: "cmsg" });
      writeFileSync(provider.path("/etc/passwd"), "admin:x:1234:567::/:/bin/sh\n");
      const accepted = listen("raw.sock", "stream");
      const socket = dial("stream");
      const peer = await accepted;
      for (const [bytes, handles] of [
        ["first", 1],
        ["second", 0],
      ] as const) {
        socket.send(Buffer.from(bytes), { fds: [] });
        const received = await next(peer);
        if (received.type === "end") throw new Error("ended");
        expect(received.bytes.toString()).toBe(bytes);
        expect(received.credentials).toMatchObject({ uid: 1234, gid: 567 });
        expect(received.fds).toHaveLength(handles);
        for (const fd of received.fds) {
          const content = Buffer.alloc(fstatSync(fd).size);
          readSync(fd, content);
          expect(content.toString()).toBe('{"client":"client","role":"admin"}');
          closeSync(fd);
        }
      }
    });

    it("reach the socket of their role", async () => {
      await start({ identity: "role-socket" });
      const accepted = listen("raw.admin.sock", "stream");
      dial("stream").send(Buffer.from("hello"), { fds: [] });
      expect(await text(await accepted)).toBe("hello");
    });

    it("end with a log line for an fd that is not listed", async () => {
      await start({ fds: ["pipe"] });
      const accepted = listen("raw.sock", "stream");
      const socket = dial("stream");
      const memfd = createMemfd("m");
      socket.send(Buffer.from("hello"), { fds: [memfd] });
      closeSync(memfd);
      expect(await text(await accepted)).toBe("END");
      expect(await text(socket)).toBe("END");
      await bench.line(
        "pvx-unix: client/raw: session closed: an fd that may not pass (memfd) from the consumer",
      );
      expect(bench.broker.status().links[0]).toMatchObject({
        counters: { rejections: 1 },
        lastError: { message: "session closed: an fd that may not pass (memfd) from the consumer" },
      });
    });

    it("keep packet sessions within the budget, and serve who waits when others end", async () => {
      // The limit is eight above the reserve; a link gets half of those.
      const few = { limit: 72, open: () => 0 };
      await start({ socketType: "seqpacket" }, /Link established/, few);
      const peers: MessageSocket[] = [];
      const directory = openSync(provider.path("/run/example"), O_PATH | O_DIRECTORY);
      const fd = listenIn(directory, "raw.sock", 0o600, 8, { type: "seqpacket" });
      closeSync(directory);
      const accept = (accepted: number) =>
        void peers.push(keep(new MessageSocket(accepted, "seqpacket")));
      listeners.push(new Listener(fd, "seqpacket", accept, () => undefined));
      const dialled = Array.from({ length: 6 }, () => dial("seqpacket"));
      await bench.line("client/raw: 4 sessions are open, 4 of client: further connections wait");
      for (const socket of dialled.slice(0, 2)) socket.close();
      await vi.waitFor(() => expect(peers).toHaveLength(6), { timeout: 10_000 });
      expect(bench.broker.status().links[0]).toMatchObject({ open: 4, counters: { sessions: 6 } });
    });

    it.each(["stream", "seqpacket"] as const)("count the bytes of a %s each way", async (type) => {
      await start({ socketType: type, fds: ["memfd"] });
      const accepted = listen("raw.sock", type);
      const socket = dial(type);
      socket.send(Buffer.from("four"), { fds: [] });
      const peer = await accepted;
      expect(await text(peer)).toBe("four");
      peer.send(Buffer.from("fifteen"), { fds: [] });
      expect(await text(socket)).toBe("fifteen");
      const bytes = { sessions: 1, bytesFromConsumer: 4, bytesToConsumer: 7 };
      expect(bench.broker.status().links[0]?.counters).toMatchObject(bytes);
    });

    it("are refused by name when an extension is wrong", async () => {
      expect(await start({ fds: ["directory"] }, /cannot provide/)).toMatch(/fds\.0: /);
    });
  },
);
