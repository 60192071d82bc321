import { once } from "node:events";
import { existsSync, readdirSync, unlinkSync } from "node:fs";
import type { Server, Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import { dial } from "./broker.fixture.ts";
import {
  HELLO,
  Heartbeat,
  PATIENCE,
  RobustBench,
  dialBus,
  eventually,
  inParallel,
  readUntil,
  times,
} from "./robust.fixture.ts";
import type { BenchLink } from "./robust.fixture.ts";

const RAW: BenchLink = { name: "raw", type: "unix" };
const WEB: BenchLink = { name: "web", type: "rest" };
const BUS: BenchLink = { name: "bus", type: "dbus" };
const REQUEST = "GET /thing HTTP/1.1\r\nHost: localhost\r\n\r\n";
const ANSWER = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

// `pvh bench --soak 1` does everything as often as the numbers say (robust.fixture.ts).
describe.skipIf(process.getuid?.() !== 0)("trouble on one link (needs root)", () => {
  let bench: RobustBench;
  let sockets: Socket[] = [];

  async function start(links: readonly BenchLink[], nofile?: number): Promise<void> {
    bench = new RobustBench();
    await bench.start(links, nofile === undefined ? {} : { nofile });
  }
  afterEach(async () => {
    for (const socket of sockets) socket.destroy();
    sockets = [];
    await bench.stop();
  });

  const keep = (socket: Socket): Socket => {
    sockets.push(socket);
    return socket;
  };

  it(
    "a provider that restarts under load costs no more than the sessions that it had",
    async () => {
      await start([RAW]);
      const open = new Set<Socket>();
      const serve = () =>
        bench.serve("raw", (socket) => {
          open.add(socket);
          socket.on("close", () => open.delete(socket));
          socket.pipe(socket);
        });
      let server: Server = await serve();
      let [stopped, answered] = [false, 0];
      const heartbeat = new Heartbeat(bench.target("steady"));
      const load = inParallel(4, 4, async () => {
        while (!stopped) {
          const socket = await dial(bench.target("raw"));
          socket.write("hello\n");
          const answer = await readUntil(socket, /\n/);
          // The whole text arrives or, when the provider went, nothing.
          expect(["hello\n", ""]).toContain(answer);
          if (answer !== "") answered += 1;
          socket.destroy();
        }
      });
      const path = bench.provider.path("/run/example/raw.sock");
      for (let restart = 0; restart < times(100); restart += 1) {
        const before = answered;
        await eventually("answers", () => answered > before + 20);
        server.close();
        for (const socket of open) socket.destroy();
        if (existsSync(path)) unlinkSync(path);
        server = await serve();
      }
      stopped = true;
      await load;
      await heartbeat.stop();
      expect(bench.broker.running).toBe(true);
    },
    PATIENCE,
  );

  it(
    "a provider's container that restarts under load keeps its consumer's listener",
    async () => {
      await start([RAW]);
      const echo = (socket: Socket) => void socket.pipe(socket);
      await bench.serve("raw", echo);
      for (let restart = 0; restart < times(30); restart += 1) {
        const old = bench.provider;
        // Connections that come while no provider is there wait.
        await old.stop();
        const waiting = await Promise.all(
          Array.from({ length: 20 }, () => dial(bench.target("raw"))),
        );
        for (const socket of waiting) keep(socket).write("hello\n");
        bench.provider = await bench.container();
        bench.graph([RAW]);
        bench.broker.graphChanged();
        await bench.serve("raw", echo);
        for (const socket of waiting) expect(await readUntil(socket, /\n/)).toBe("hello\n");
      }
    },
    PATIENCE,
  );

  it(
    "after kill -9 the next broker takes the place of its predecessor's sockets",
    async () => {
      await start([RAW, WEB]);
      await bench.serve("raw", (socket) => void socket.pipe(socket));
      await bench.serve("web", (socket) => void socket.on("data", () => socket.write(ANSWER)));
      for (let restart = 0; restart < times(20); restart += 1) {
        const session = keep(await dial(bench.target("raw")));
        session.write("x");
        await once(session, "data");
        const ended = once(session.resume(), "end");
        await bench.broker.kill("SIGKILL");
        await ended;

        await bench.startBroker();
        await bench.broker.established(3);
        const socket = keep(await dial(bench.target("raw")));
        socket.write("hello\n");
        expect(await readUntil(socket, /\n/)).toBe("hello\n");
        const web = keep(await dial(bench.target("web")));
        web.write(REQUEST);
        expect(await readUntil(web, /ok$/)).toMatch(/^HTTP\/1.1 200/);
        const names = ["raw.sock", "steady.sock", "web.sock"];
        expect(readdirSync(bench.consumer.path("/run/pv")).sort()).toEqual(names);
      }
    },
    PATIENCE,
  );

  it(
    "at the limit of open files sessions that exist go on, and new ones work once fds are free",
    async () => {
      await start([RAW], 400);
      const { broker } = bench;
      await bench.serve("raw", (socket) => void socket.pipe(socket));
      const long = keep(await dial(bench.target("steady")));
      long.write("first");
      expect(await readUntil(long, /first/)).toBe("first");
      const before = await broker.restingFds();

      for (let round = 0; round < times(20); round += 1) {
        const crowd = await Promise.all(
          Array.from({ length: 200 }, () => dial(bench.target("raw"))),
        );
        for (const socket of crowd) keep(socket).write("x");
        // By now some connections have a session, and the others wait.
        await eventually("sessions", () => broker.fds > before + 20);
        await broker.restingFds();
        long.write("second");
        expect(await readUntil(long, /second/)).toBe("second");
        // A failed fetch of the graph must not remove a link.
        broker.graphChanged();
        const cpu = broker.cpu;
        await delay(500);
        expect(broker.cpu - cpu, "CPU seconds in 0.5 s at the limit").toBeLessThan(0.4);
        expect(broker.count(/^Removing link/gm)).toBe(0);
        expect(broker.running).toBe(true);

        for (const socket of crowd) socket.destroy();
        await broker.backAt(before);
        const socket = keep(await dial(bench.target("raw")));
        socket.write("hello\n");
        expect(await readUntil(socket, /\n/)).toBe("hello\n");
        socket.destroy();
      }
    },
    PATIENCE,
  );

  it(
    "without a single free descriptor nothing is lost, and who waits is served later",
    async () => {
      await start([RAW]);
      const { broker } = bench;
      await bench.serve("raw", (socket) => void socket.pipe(socket));
      const long = keep(await dial(bench.target("steady")));
      long.write("first");
      expect(await readUntil(long, /first/)).toBe("first");
      await broker.restingFds();

      // With a limit below the open descriptors, every call that makes one fails.
      broker.limitFiles(1);
      const crowd = await Promise.all(
        Array.from({ length: 20 }, async () => keep(await dial(bench.target("raw")))),
      );
      for (const socket of crowd) socket.write("hello\n");
      await eventually("a word of it", () => /connections wait: EMFILE/.test(broker.output));
      broker.graphChanged();
      await eventually("a graph that cannot be read", () => /Failed to init/.test(broker.output));
      const cpu = broker.cpu;
      await delay(500);
      expect(broker.cpu - cpu, "CPU seconds in 0.5 s at the limit").toBeLessThan(0.4);
      long.write("second");
      expect(await readUntil(long, /second/)).toBe("second");

      broker.limitFiles(1024);
      for (const socket of crowd) expect(await readUntil(socket, /\n/)).toBe("hello\n");
      expect(broker.count(/^(Removing|Re-planting) link/gm)).toBe(0);
    },
    PATIENCE,
  );

  it(
    "200 clients that send half a head keep nobody else waiting",
    async () => {
      await start([WEB]);
      await bench.serve("web", (socket) => {
        socket.on("data", () => socket.write(ANSWER)).on("end", () => socket.end());
      });
      const before = await bench.broker.restingFds();
      const halves = ["G", "GET / HTTP/1.1\r\nHost: loc", `${REQUEST.slice(0, -2)}X-More: ye`];
      await inParallel(200, 20, async (index) => {
        const socket = keep(await dial(bench.target("web")));
        socket.write(halves[index % halves.length] ?? "");
      });
      const heartbeat = new Heartbeat(bench.target("steady"));
      for (let request = 0; request < 20; request += 1) {
        const socket = await dial(bench.target("web"));
        socket.write(REQUEST);
        expect(await readUntil(socket, /ok$/)).toMatch(/^HTTP\/1.1 200/);
        socket.destroy();
      }
      await heartbeat.stop();
      for (const socket of sockets) socket.destroy();
      await bench.broker.backAt(before);
    },
    PATIENCE,
  );

  it(
    "200 clients that send half a line or half a message keep no other bus session waiting",
    async () => {
      await start([BUS]);
      await bench.serveBus("bus");
      const before = await bench.broker.restingFds();
      // Only few authenticate: more would take all places that the bus has for connections without
      // Hello.
      const halves = ["", "\0", "\0AUTH EXTER", "\0AUTH EXTERNAL\r\nDA", "message"];
      await inParallel(200, 20, async (index) => {
        const half = halves[index % halves.length] ?? "";
        const socket = keep(await (half === "message" ? dialBus : dial)(bench.target("bus")));
        if (half === "message") socket.write(HELLO.subarray(0, 1 + (index % (HELLO.length - 1))));
        else socket.write(index < 20 ? "\0AUTH EXTERNAL 30\r\nBEG" : half);
      });
      const heartbeat = new Heartbeat(bench.target("steady"));
      for (let session = 0; session < 20; session += 1) {
        (await dialBus(bench.target("bus"))).destroy();
      }
      await heartbeat.stop();
      for (const socket of sockets) socket.destroy();
      await bench.broker.backAt(before);
    },
    PATIENCE,
  );

  describe("malformed bytes", () => {
    /** Deterministic noise (a linear congruential generator, Numerical Recipes' constants). */
    function noise(seed: number, length: number): Buffer {
      let state = seed;
      return Buffer.from(
        Array.from({ length }, () => {
          state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
          return state >>> 24;
        }),
      );
    }

    function damaged(bytes: Buffer, seed: number): Buffer {
      const copy = Buffer.from(bytes);
      for (const [index, at] of noise(seed, 3).entries()) {
        copy[(at * 7 + index) % copy.length] = noise(seed + index, 1)[0] ?? 0;
      }
      return copy;
    }

    it.each([
      ["raw", ["hello"]],
      ["web", [REQUEST, "POST / HTTP/1.1\r\nHost: l\r\nContent-Length: 9\r\n\r\n"]],
      ["bus", ["\0AUTH EXTERNAL 30\r\nNEGOTIATE_UNIX_FD\r\nBEGIN\r\n"]],
    ])(
      "from consumers of %s reach nobody else, and leave nothing behind",
      async (name, starts) => {
        await start([RAW, WEB, BUS]);
        await bench.serve("raw", (socket) => void socket.pipe(socket));
        await bench.serve("web", (socket) => {
          socket.on("data", () => socket.write(ANSWER)).on("end", () => socket.end());
        });
        await bench.serveBus("bus");
        const bus = keep(await dialBus(bench.target("bus")));
        const before = await bench.broker.restingFds();
        const heartbeat = new Heartbeat(bench.target("steady"));
        await inParallel(times(2_000), 8, async (index) => {
          const start = Buffer.from(starts[index % starts.length] ?? "");
          const bytes = [
            noise(index, 200),
            damaged(start, index),
            Buffer.concat([start, noise(index, 300)]),
            Buffer.concat([start, damaged(HELLO, index)]),
            Buffer.concat([start, HELLO, damaged(HELLO, index)]),
          ][index % 5];
          const socket = await dial(bench.target(name));
          socket.resume();
          if (bytes !== undefined) socket.end(bytes);
          const gone = once(socket, "close");
          await Promise.race([gone, delay(50)]);
          socket.destroy();
        });
        await heartbeat.stop();
        expect(bus.destroyed).toBe(false);
        await bench.broker.backAt(before);
        (await dialBus(bench.target("bus"))).destroy();
      },
      PATIENCE,
    );

    it.each(["web", "bus"])(
      "from the provider of %s end that session and no other",
      async (name) => {
        await start([name === "web" ? WEB : BUS]);
        let served = 0;
        const ok = Buffer.from(name === "web" ? ANSWER : "OK 0123456789abcdef0123456789abcdef\r\n");
        await bench.serve(name, (socket) => {
          served += 1;
          const seed = served;
          const answers = [
            noise(seed, 400),
            damaged(ok, seed),
            Buffer.concat([ok, noise(seed, 400)]),
          ];
          socket.once("data", () => socket.end(answers[seed % 3] ?? "")).resume();
        });
        const first = await dial(bench.target(name));
        first.destroy();
        const before = await bench.broker.restingFds();
        const heartbeat = new Heartbeat(bench.target("steady"));
        await inParallel(times(1_000), 8, async () => {
          const socket = await dial(bench.target(name));
          socket.resume();
          socket.write(name === "web" ? REQUEST : "\0AUTH EXTERNAL 30\r\nBEGIN\r\n");
          if (name === "bus") socket.write(HELLO);
          // ECONNRESET is fine too: the broker does not read bytes behind a violation.
          const closed = new Promise((resolve) => socket.once("close", resolve));
          await Promise.race([closed, delay(50)]);
          socket.destroy();
        });
        await heartbeat.stop();
        expect(served).toBeGreaterThan(0);
        await bench.broker.backAt(before);
      },
      PATIENCE,
    );
  });
});
