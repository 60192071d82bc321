import { once } from "node:events";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Socket } from "node:net";
import { SIGNAL } from "../../shared/protocols/dbus/message-header.ts";
import { strings, writeMessage } from "../../shared/protocols/dbus/write-message.ts";
import { dial } from "./broker.fixture.ts";
import {
  Heartbeat,
  RobustBench,
  PATIENCE,
  dialBus,
  eventually,
  inParallel,
  readUntil,
  times,
} from "./robust.fixture.ts";

const ANSWER = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const REQUEST = "GET /thing HTTP/1.1\r\nHost: localhost\r\n\r\n";
const MIB = 1024 * 1024;
/** A D-Bus signal of 64 KiB; sent by a fake bus it counts as a signal of the bus itself. */
const SIGNAL_TO_ALL = writeMessage({
  type: SIGNAL,
  serial: 1,
  path: "/p",
  interface: "a.b",
  member: "C",
  sender: "org.freedesktop.DBus",
  body: strings("y".repeat(65_536)),
});

// `pvh bench --soak 1` opens as many sessions as the numbers say (robust.fixture.ts).
describe.skipIf(process.getuid?.() !== 0)("sessions in great number (needs root)", () => {
  let bench: RobustBench;
  const sockets = new Set<Socket>();

  const links = [
    { name: "raw", type: "unix" },
    { name: "web", type: "rest" },
    { name: "bus", type: "dbus", rules: [[{ access: "own" }]] },
  ];

  beforeEach(async () => {
    bench = new RobustBench();
    await bench.start(links);
  });
  afterEach(async () => {
    for (const socket of sockets) socket.destroy();
    sockets.clear();
    await bench.stop();
  });

  const keep = (socket: Socket): Socket => {
    sockets.add(socket);
    return socket;
  };
  const echo = (socket: Socket) => void socket.pipe(socket);
  const answerRequests = (socket: Socket) => {
    let text = "";
    socket.on("data", (chunk: Buffer) => {
      text += chunk.toString("latin1");
      for (let end = text.indexOf("\r\n\r\n"); end >= 0; end = text.indexOf("\r\n\r\n")) {
        text = text.slice(end + 4);
        socket.write(ANSWER);
      }
    });
    socket.on("end", () => socket.end());
  };

  const kinds = {
    raw: {
      provide: () => bench.serve("raw", echo),
      open: async () => {
        const socket = await dial(bench.target("raw"));
        socket.write("hello");
        expect(await readUntil(socket, /hello/)).toBe("hello");
        return socket;
      },
    },
    web: {
      provide: () => bench.serve("web", answerRequests),
      open: async () => {
        const socket = await dial(bench.target("web"));
        socket.write(REQUEST);
        expect(await readUntil(socket, /ok$/)).toMatch(/^HTTP\/1.1 200 /);
        return socket;
      },
    },
    bus: {
      provide: () => bench.serveBus("bus"),
      open: () => dialBus(bench.target("bus")),
    },
  };

  it.each(["raw", "web", "bus"] as const)(
    `${times(1_000)} connections of %s leave no fd behind`,
    async (name) => {
      const { provide, open } = kinds[name];
      await provide();
      await inParallel(20, 4, async () => void (await open()).destroy());
      const before = await bench.broker.restingFds();
      await inParallel(times(1_000), 8, async () => void (await open()).destroy());
      await bench.broker.backAt(before);
    },
    PATIENCE,
  );

  it.each([
    ["raw", times(2_000)],
    ["web", times(2_000)],
    ["bus", times(200)],
  ] as const)(
    "%s carries %i sessions at a time",
    async (name, count) => {
      const { provide, open } = kinds[name];
      await provide();
      (await open()).destroy();
      const before = await bench.broker.restingFds();
      await inParallel(count, 16, async () => void keep(await open()));
      expect([...sockets].filter((socket) => socket.destroyed)).toEqual([]);
      const heartbeat = new Heartbeat(bench.target("steady"));
      if (name === "raw") {
        for (const socket of sockets) socket.write("again");
        await Promise.all([...sockets].map((socket) => readUntil(socket, /again/)));
      }
      await eventually("a heartbeat", () => heartbeat.beats > 0);
      await heartbeat.stop();
      for (const socket of sockets) socket.destroy();
      await bench.broker.backAt(before);
    },
    PATIENCE,
  );

  it(
    `bus carries ${times(2_000)} sessions where the provider allows them`,
    async () => {
      const limits = ["max_connections_per_user", "max_completed_connections"];
      await bench.serveBus("bus", limits.map((it) => `<limit name="${it}">5000</limit>`).join(""));
      await inParallel(times(2_000), 16, async () => void keep(await dialBus(bench.target("bus"))));
      expect([...sockets].filter((socket) => socket.destroyed)).toEqual([]);
    },
    PATIENCE,
  );

  it(
    `${times(1_000)} clients that leave in mid-stream harm nobody`,
    async () => {
      let sessions = 0;
      const block = Buffer.alloc(65_536, "x");
      await bench.serve("raw", (socket) => {
        sessions += 1;
        socket.on("close", () => (sessions -= 1));
        socket.resume();
        const send = (): void => {
          while (socket.writable && socket.write(block));
        };
        socket.on("drain", send);
        send();
      });
      await inParallel(20, 4, () => leave(bench.target("raw"), block));
      await eventually("the first to be gone", () => sessions === 0);
      const before = await bench.broker.restingFds();
      const heartbeat = new Heartbeat(bench.target("steady"));
      await inParallel(times(1_000), 8, () => leave(bench.target("raw"), block));
      await eventually("the provider's sessions to end", () => sessions === 0);
      await heartbeat.stop();
      await bench.broker.backAt(before);
    },
    PATIENCE,
  );

  describe("a reader that stalls", () => {
    const block = Buffer.alloc(65_536, "y");

    /** Write until no bytes have been taken for a while. @returns bytes that were taken */
    const flood = async (socket: Socket, piece: Buffer = block): Promise<number> => {
      socket.on("error", () => undefined);
      for (;;) {
        const flushed = new Promise((resolve) => socket.write(piece, resolve));
        const stuck = new Promise((resolve) => setTimeout(resolve, 500, "stuck"));
        if ((await Promise.race([flushed, stuck])) === "stuck") return socket.bytesWritten;
        if (socket.bytesWritten > 64 * MIB) return socket.bytesWritten;
      }
    };
    const settle = async () => {
      await inParallel(50, 4, async () => {
        const socket = await dial(bench.target("steady"));
        socket.end(block);
        socket.resume();
        await once(socket, "close");
      });
    };

    it.each([
      ["raw", ""],
      ["web", "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 999999999\r\n\r\n"],
    ])(
      "in the provider of %s holds its consumer up, not the broker's memory",
      async (name, head) => {
        await bench.serve(name, (socket) => void keep(socket.pause()));
        await settle();
        const before = bench.broker.rss;
        const heartbeat = new Heartbeat(bench.target("steady"));
        const socket = keep(await dial(bench.target(name)));
        socket.write(head);
        const taken = await flood(socket);
        const grown = bench.broker.rss - before;
        await heartbeat.stop();
        // Node counts bytes that it holds itself as well: at most the last block.
        expect(taken).toBeLessThan(8 * MIB);
        expect(grown).toBeLessThan(16);
      },
      PATIENCE,
    );

    it.each([
      ["raw", "", ""],
      ["web", REQUEST, "HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\n"],
    ])(
      "in the consumer of %s holds its provider up, not the broker's memory",
      async (name, request, head) => {
        const taken = Promise.withResolvers<number>();
        await bench.serve(name, (socket) => {
          socket.resume();
          socket.write(head);
          void flood(keep(socket)).then(taken.resolve);
        });
        await settle();
        const before = bench.broker.rss;
        const socket = keep(await dial(bench.target(name))).pause();
        socket.write(request);
        expect(await taken.promise).toBeLessThan(8 * MIB);
        expect(bench.broker.rss - before).toBeLessThan(16);
      },
      PATIENCE,
    );

    /** A bus that accepts every connection and then calls `begun` with its socket. */
    const serveFakeBus = (begun: (socket: Socket) => void) =>
      bench.serve("bus", (socket) => {
        let text = "";
        const onData = (chunk: Buffer) => {
          text += chunk.toString("latin1");
          if (!text.includes("BEGIN\r\n")) {
            if (text.endsWith("\r\n")) socket.write(`OK ${"0".repeat(32)}\r\n`);
            return;
          }
          socket.off("data", onData);
          begun(keep(socket.pause()));
        };
        socket.on("data", onData);
      });
    const beginBus = async () => {
      const socket = keep(await dial(bench.target("bus")));
      socket.write("\0AUTH EXTERNAL 30\r\n");
      await readUntil(socket, /\r\n/);
      socket.write("BEGIN\r\n");
      return socket;
    };

    it(
      "in the provider of bus holds its consumer up, not the broker's memory",
      async () => {
        await serveFakeBus(() => undefined);
        await settle();
        const before = bench.broker.rss;
        const heartbeat = new Heartbeat(bench.target("steady"));
        expect(await flood(await beginBus(), SIGNAL_TO_ALL)).toBeLessThan(8 * MIB);
        expect(bench.broker.rss - before).toBeLessThan(16);
        await heartbeat.stop();
      },
      PATIENCE,
    );

    it(
      "in the consumer of bus holds its provider up, not the broker's memory",
      async () => {
        const taken = Promise.withResolvers<number>();
        await serveFakeBus((socket) => void flood(socket, SIGNAL_TO_ALL).then(taken.resolve));
        await settle();
        const before = bench.broker.rss;
        (await beginBus()).pause();
        expect(await taken.promise).toBeLessThan(8 * MIB);
        expect(bench.broker.rss - before).toBeLessThan(16);
      },
      PATIENCE,
    );
  });
});

/** Send and read for a while, then disappear with bytes in flight in both directions. */
async function leave(path: string, block: Buffer): Promise<void> {
  const socket = await dial(path);
  socket.write(block);
  await once(socket, "data");
  socket.write(block);
  socket.destroy();
  await once(socket, "close");
}
