import { once } from "node:events";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  rmdirSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { execFileSync } from "node:child_process";
import { createServer } from "node:net";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { BrokerBench, dial, readAll } from "./broker.fixture.ts";
import type { ContainerStandIn } from "./container-stand-in.fixture.ts";
import type { OpenFiles } from "../planes/open-files.ts";

const SOCKET = "/run/example/raw.sock";
const TARGET = "/run/pv/services/raw.sock";

// Processes in mount namespaces of their own stand for containers: only root can make them.
describe.skipIf(process.getuid?.() !== 0)("broker with containers (needs root)", () => {
  let bench: BrokerBench;
  let consumer: ContainerStandIn;
  let provider: ContainerStandIn;

  async function start(quirks = "", files?: OpenFiles): Promise<void> {
    bench = new BrokerBench(quirks, files);
    [consumer, provider] = await Promise.all([bench.container(), bench.container()]);
    mkdirSync(provider.path("/run/example"));
    await bench.start();
  }

  function entry(overrides: Record<string, unknown> = {}): Record<string, unknown> {
    return {
      consumer: "client",
      consumer_pid: consumer.pid,
      provider: "server",
      provider_pid: provider.pid,
      name: "raw",
      type: "unix",
      role: "any",
      interface: "unix",
      target: TARGET,
      socket: SOCKET,
      ...overrides,
    };
  }

  const echo = (socket: Socket) => void socket.pipe(socket);

  afterEach(() => bench.stop());

  describe("in the strict profile", () => {
    beforeEach(() => start());

    it("plants a socket with mode 0666 in directories with mode 0755 and carries bytes", async () => {
      await bench.serve(provider.path(SOCKET), echo);
      await bench.reconcile([entry()], "Link established: client/raw");

      const facts = lstatSync(consumer.path(TARGET));
      expect(facts.isSocket()).toBe(true);
      expect(facts.mode & 0o7777).toBe(0o666);
      expect(lstatSync(consumer.path("/run/pv")).mode & 0o7777).toBe(0o755);
      expect(readdirSync(consumer.path("/run/pv/services"))).toEqual(["raw.sock"]);

      const socket = await dial(consumer.path(TARGET));
      socket.end("hello");
      expect(await readAll(socket)).toBe("hello");
      expect(bench.lines).toEqual([
        "Connected to pv-ctrl",
        "Reconciling graph with 0 links",
        "Reconciling graph with 1 links",
        `Adding link: client (pid=${consumer.pid}, unix) -> ${SOCKET} (inject to: ${TARGET})`,
        `pvx-unix: Injecting socket ${TARGET} into pid ${consumer.pid}`,
        "Link established: client/raw",
        `pvx-unix: Accepted connection for service raw from pid ${consumer.pid}`,
      ]);
    });

    it("passes on a half-close of the consumer while the provider still answers", async () => {
      await bench.serve(provider.path(SOCKET), (socket) => {
        void readAll(socket).then((request) => socket.end(`got ${request}`));
      });
      await bench.reconcile([entry()], /Link established/);
      const socket = await dial(consumer.path(TARGET));
      socket.end("question");
      expect(await readAll(socket)).toBe("got question");
    });

    it("passes on a half-close of the provider while the consumer still sends", async () => {
      const received = Promise.withResolvers<string>();
      await bench.serve(provider.path(SOCKET), (socket) => {
        socket.end("banner");
        void readAll(socket).then(received.resolve);
      });
      await bench.reconcile([entry()], /Link established/);
      const socket = await dial(consumer.path(TARGET));
      expect(await readAll(socket)).toBe("banner");
      socket.end("afterwards");
      expect(await received.promise).toBe("afterwards");
    });

    it("shows an EOF to the provider when a consumer connects and closes", async () => {
      const ended = Promise.withResolvers<string>();
      await bench.serve(provider.path(SOCKET), (socket) => {
        void readAll(socket).then(ended.resolve);
      });
      await bench.reconcile([entry()], /Link established/);
      (await dial(consumer.path(TARGET))).destroy();
      expect(await ended.promise).toBe("");
    });

    it("unlinks the socket and ends the sessions of a link that leaves the graph", async () => {
      await bench.serve(provider.path(SOCKET), echo);
      await bench.reconcile([entry()], /Link established/);
      const socket = await dial(consumer.path(TARGET));
      socket.write("x");
      await once(socket, "data");

      await bench.reconcile([], "Removing link: client/raw");
      await once(socket, "end");
      expect(existsSync(consumer.path(TARGET))).toBe(false);
    });

    it("does not unlink what somebody else has put at the target", async () => {
      await bench.reconcile([entry()], /Link established/);
      unlinkSync(consumer.path(TARGET));
      writeFileSync(consumer.path(TARGET), "mine");
      await bench.reconcile([], /Removing link/);
      expect(readFileSync(consumer.path(TARGET), "utf8")).toBe("mine");
    });

    it("plants again for a consumer that has restarted", async () => {
      await bench.serve(provider.path(SOCKET), echo);
      await bench.reconcile([entry()], /Link established/);
      const before = consumer.pid;
      await consumer.stop();
      consumer = await bench.container();
      await bench.reconcile([entry()], /Link established/);
      expect(bench.lines).toContain(
        `Re-establishing link client/raw (target ${TARGET}) after restart (consumer pid ` +
          `${before}->${consumer.pid}, provider pid ${provider.pid}->${provider.pid})`,
      );
      const socket = await dial(consumer.path(TARGET));
      socket.end("back");
      expect(await readAll(socket)).toBe("back");
    });

    it("lets a connection that came while the provider was down reach its successor", async () => {
      await bench.reconcile([entry()], /Link established/);
      const inode = lstatSync(consumer.path(TARGET)).ino;
      await provider.stop();
      const socket = await dial(consumer.path(TARGET));
      socket.end("patience");
      provider = await bench.container();
      mkdirSync(provider.path("/run/example"));
      await bench.reconcile([entry()], /Link established/);
      await bench.serve(provider.path(SOCKET), echo);
      expect(await readAll(socket)).toBe("patience");
      expect(lstatSync(consumer.path(TARGET)).ino).toBe(inode);
    });

    it("lets consumers wait in the backlog while the provider restarts", async () => {
      await bench.reconcile([entry()], /Link established/);
      const inode = lstatSync(consumer.path(TARGET)).ino;
      await provider.stop();
      await bench.reconcile([entry()], "Holding link: client/raw waits for server");
      const socket = await dial(consumer.path(TARGET));
      socket.end("patience");
      provider = await bench.container();
      mkdirSync(provider.path("/run/example"));
      await bench.serve(provider.path(SOCKET), echo);
      expect(bench.lines.join("\n")).not.toContain("Accepted connection");
      await bench.reconcile([entry()], /Link established/);
      expect(await readAll(socket)).toBe("patience");
      expect(lstatSync(consumer.path(TARGET)).ino).toBe(inode);
    });

    it("notices by itself that its socket has been removed", async () => {
      await bench.reconcile([entry()], /Link established/);
      const from = bench.lines.length;
      unlinkSync(consumer.path(TARGET));
      await bench.line("Link established: client/raw", from);
      expect(existsSync(consumer.path(TARGET))).toBe(true);
    }, 3_000);

    it.each([
      ["spliced", {}],
      ["message", { fds: ["memfd"] }],
    ])("keeps %s sessions while a removed socket cannot be planted again", async (_, extension) => {
      await bench.serve(provider.path(SOCKET), echo);
      await bench.reconcile([entry(extension)], /Link established/);
      const socket = await dial(consumer.path(TARGET));
      const say = async (text: string) => {
        socket.write(text);
        const [heard] = (await once(socket, "data")) as [Buffer];
        return heard.toString();
      };
      expect(await say("before")).toBe("before");

      const from = bench.lines.length;
      unlinkSync(consumer.path(TARGET));
      mkdirSync(consumer.path(TARGET));
      await bench.line(/cannot provide .*a directory/, from);
      expect(await say("meanwhile")).toBe("meanwhile");

      rmdirSync(consumer.path(TARGET));
      await bench.line("Link established: client/raw", from);
      expect(await say("after")).toBe("after");
      const another = await dial(consumer.path(TARGET));
      another.end("new");
      expect(await readAll(another)).toBe("new");
      socket.destroy();
    });

    it("tells each link's state, sessions, bytes and last error", async () => {
      await bench.serve(provider.path(SOCKET), echo);
      await bench.reconcile([entry(), entry({ name: "ro", target: "/readonly/x" })], /for ro$/);
      const socket = await dial(consumer.path(TARGET));
      socket.write("four");
      await once(socket, "data");
      const [raw, readOnly] = bench.broker.status().links;
      expect(raw).toMatchObject({
        name: "raw",
        state: "established",
        open: 1,
        counters: { sessions: 1, bytesFromConsumer: 4, bytesToConsumer: 4 },
        lastError: null,
      });
      // Each try counts one error, and a slow machine may have tried again.
      expect(readOnly?.state).toBe("failed");
      expect(readOnly?.counters["errors"]).toBeGreaterThan(0);
      expect(readOnly?.lastError?.message).toContain("EROFS");
      expect(bench.broker.status().plugins).toEqual({ unix: { added: 1, removed: 0 } });
      socket.end();
      await once(socket, "end");
      while (bench.broker.status().links[0]?.open !== 0) await new Promise(setImmediate);
    });

    it("plants a deleted socket again and cuts no session doing so", async () => {
      await bench.serve(provider.path(SOCKET), echo);
      await bench.reconcile([entry()], /Link established/);
      const session = await dial(consumer.path(TARGET));
      session.write("a");
      await once(session, "data");

      unlinkSync(consumer.path(TARGET));
      await bench.reconcile([entry()], /Link established/);
      const socket = await dial(consumer.path(TARGET));
      socket.end("again");
      expect(await readAll(socket)).toBe("again");
      session.end("b");
      expect(await readAll(session)).toBe("b");
    });

    it("keeps symlinks in the consumer inside the consumer", async () => {
      const outside = mkdtempSync(join(tmpdir(), "pvh-outside-"));
      symlinkSync(outside, consumer.path("/absolute"));
      symlinkSync("/run", consumer.path("/inside"));
      symlinkSync("../../../../..", consumer.path("/relative"));
      await bench.reconcile(
        [
          entry({ name: "a", target: "/absolute/raw.sock" }),
          entry({ name: "b", target: "/inside/b/raw.sock" }),
          entry({ name: "c", target: "/relative/run/c.sock" }),
        ],
        "Link established: client/c",
      );
      expect(readdirSync(outside)).toEqual([]);
      expect(bench.lines).toContain("Failed to add link for a");
      expect(lstatSync(consumer.path("/run/b/raw.sock")).isSocket()).toBe(true);
      expect(lstatSync(consumer.path("/run/c.sock")).isSocket()).toBe(true);
      rmSync(outside, { recursive: true });
    });

    it("does not follow a symlink at the target", async () => {
      const outside = mkdtempSync(join(tmpdir(), "pvh-outside-"));
      mkdirSync(consumer.path("/run/pv/services"), { recursive: true });
      symlinkSync(join(outside, "x.sock"), consumer.path(TARGET));
      expect(await bench.reconcile([entry()], /cannot provide/)).toContain(
        `client/raw: cannot provide ${TARGET} in client: it is already there: a symbolic link`,
      );
      expect(readdirSync(outside)).toEqual([]);
      rmSync(outside, { recursive: true });
    });

    it("keeps symlinks in the provider inside the provider", async () => {
      const outside = mkdtempSync(join(tmpdir(), "pvh-outside-"));
      let escapes = 0;
      const host = createServer(() => (escapes += 1)).listen(join(outside, "host.sock"));
      await once(host, "listening");
      mkdirSync(provider.path(outside), { recursive: true });
      await bench.serve(provider.path(join(outside, "host.sock")), (socket) => {
        socket.end("from the provider");
      });
      symlinkSync(join(outside, "host.sock"), provider.path(SOCKET));

      await bench.reconcile([entry()], /Link established/);
      const socket = await dial(consumer.path(TARGET));
      expect(await readAll(socket)).toBe("from the provider");
      expect(escapes).toBe(0);
      host.close();
      rmSync(outside, { recursive: true });
    });

    it("does not connect to what is not a socket", async () => {
      writeFileSync(provider.path(SOCKET), "");
      await bench.reconcile([entry()], /Link established/);
      const socket = await dial(consumer.path(TARGET));
      expect(await readAll(socket)).toBe("");
      await bench.line(`client/raw: session ended: the provider's ${SOCKET} is not a socket`);
    });

    it("touches nothing for a peer that is not running", async () => {
      const outside = mkdtempSync(join(tmpdir(), "pvh-outside-"));
      const target = join(outside, "raw.sock");
      await bench.reconcile(
        [entry({ consumer_pid: 0, target }), entry({ name: "other", type: "nothing" })],
        "No plugin found for type nothing",
      );
      await bench.reconcile([entry({ provider_pid: -1 }), entry({ name: "last" })], /last$/);
      expect(existsSync(target)).toBe(false);
      expect(existsSync(consumer.path(TARGET))).toBe(true);
      expect(bench.lines.filter((line) => line.startsWith("Adding link"))).toHaveLength(1);
      rmSync(outside, { recursive: true });
    });

    it("refuses a pid that is not the process the graph means", async () => {
      await bench.reconcile(
        [entry({ consumer_start: 1 }), entry({ name: "last" })],
        "Link established: client/last",
      );
      expect(bench.lines.join("\n")).not.toContain("client/raw");
    });

    it("never acts on a process that shares the broker's own file system", async () => {
      const outside = mkdtempSync(join(tmpdir(), "pvh-outside-"));
      const target = join(outside, "raw.sock");
      await bench.reconcile([entry({ consumer_pid: process.pid, target })], /Failed to add link/);
      expect(readdirSync(outside)).toEqual([]);
      rmSync(outside, { recursive: true });
    });

    it("plants and reaches paths of any length", async () => {
      const long = `/run/${"d".repeat(200)}/${"e".repeat(200)}/${"f".repeat(240)}.sock`;
      mkdirSync(provider.path(`/run/${"d".repeat(200)}`));
      // Bind under a short name: the test's own server is limited to 107 bytes.
      await bench.serve(provider.path("/run/short.sock"), echo);
      symlinkSync("/run/short.sock", provider.path(`/run/${"d".repeat(200)}/p.sock`));
      await bench.reconcile(
        [entry({ target: long, socket: `/run/${"d".repeat(200)}/p.sock` })],
        /Link established/,
      );
      symlinkSync(long, consumer.path("/run/s"));
      symlinkSync(consumer.path(long), join(bench.ctrl.directory, "s"));
      const socket = await dial(join(bench.ctrl.directory, "s"));
      socket.end("far");
      expect(await readAll(socket)).toBe("far");
    });

    it("takes the place of a dead socket, and never that of a live one or of a file", async () => {
      mkdirSync(consumer.path("/run/pv/services"), { recursive: true });
      execFileSync("python3", [
        "-c",
        "import socket,sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])",
        consumer.path(TARGET),
      ]);
      writeFileSync(consumer.path("/run/file"), "precious");
      await bench.serve(consumer.path("/run/live.sock"), (socket) => socket.end("alive"));
      await bench.reconcile(
        [
          entry({ name: "file", target: "/run/file" }),
          entry({ name: "live", target: "/run/live.sock" }),
          entry(),
        ],
        "Link established: client/raw",
      );
      expect(readFileSync(consumer.path("/run/file"), "utf8")).toBe("precious");
      expect(await readAll(await dial(consumer.path("/run/live.sock")))).toBe("alive");
      expect(bench.lines).toContain("Failed to add link for file");
      expect(bench.lines).toContain("Failed to add link for live");
    });

    it("names container and path when a mount does not allow the injection", async () => {
      const device = { type: "drm", socket: "/dev/card", role: "any" };
      execFileSync("mknod", [provider.path("/dev/card"), "c", "226", "0"]);
      await bench.reconcile(
        [
          entry({ name: "ro", target: "/readonly/x.sock" }),
          entry({ name: "nodev", target: "/nodev/card0", ...device }),
        ],
        "Failed to add link for nodev",
      );
      const log = bench.lines.join("\n");
      expect(log).toContain("client/ro: cannot provide /readonly/x.sock in client: EROFS");
      expect(log).toContain("cannot provide /nodev/card0 in client: it is on a mount that allows");
    });

    it("gives the consumer the provider's DRM node and takes it back", async () => {
      mkdirSync(provider.path("/dev/dri"));
      execFileSync("mknod", ["-m", "660", provider.path("/dev/dri/card0"), "c", "226", "0"]);
      execFileSync("chown", ["0:44", provider.path("/dev/dri/card0")]);
      const drm = entry({ type: "drm", target: "/dev/dri/card0", socket: "/dev/dri/card0" });
      await bench.reconcile([drm], /Link established/);

      const facts = lstatSync(consumer.path("/dev/dri/card0"));
      expect(facts.isCharacterDevice()).toBe(true);
      expect([facts.rdev, facts.mode & 0o7777, facts.uid, facts.gid]).toEqual([
        226 << 8,
        0o660,
        0,
        44,
      ]);
      expect(bench.lines).toContain("pvx-helper: Found device 0xe200 (mode 0x21b0)");
      await bench.reconcile([], /Removing link/);
      expect(existsSync(consumer.path("/dev/dri/card0"))).toBe(false);
    });

    it("gives each role the node that the export names for it", async () => {
      mkdirSync(provider.path("/dev/dri"));
      execFileSync("mknod", [provider.path("/dev/dri/card7"), "c", "226", "7"]);
      execFileSync("mknod", [provider.path("/dev/dri/renderD130"), "c", "226", "130"]);
      const drm = (role: string, nodes: unknown) =>
        entry({
          name: role,
          type: "drm",
          role,
          target: `/dev/${role}`,
          socket: "/dev/none",
          nodes,
        });
      const nodes = { master: "/dev/dri/card7", render: "/dev/dri/renderD130" };
      await bench.reconcile(
        [drm("master", nodes), drm("render", nodes), drm("wrong", { wrong: 7 })],
        "Failed to add link for wrong",
      );
      expect(lstatSync(consumer.path("/dev/master")).rdev).toBe((226 << 8) | 7);
      expect(lstatSync(consumer.path("/dev/render")).rdev).toBe((226 << 8) | 130);
      expect(bench.lines.join("\n")).toContain("nodes must be an object of absolute paths by role");
    });

    it("refuses a DRM export that is a file, once, and goes on with the others", async () => {
      writeFileSync(provider.path("/dev/card0"), "");
      const graph = [
        entry({ name: "card", type: "drm", target: "/dev/card0", socket: "/dev/card0" }),
        entry(),
      ];
      await bench.reconcile(graph, "Link established: client/raw");
      const last = entry({ name: "last", target: "/run/last" });
      await bench.reconcile([...graph, last], "Link established: client/last");
      const refusals = bench.lines.filter((line) => line.includes("is not a character device"));
      expect(refusals).toHaveLength(1);
      expect(existsSync(consumer.path("/dev/card0"))).toBe(false);
    });

    it("refuses an entry with a value of a wrong type, and serves the others", async () => {
      const wrong = entry({ name: "wrong", consumer_start: "soon" });
      await bench.reconcile([wrong, entry()], "Link established: client/raw");
      expect(bench.lines).toContain("Failed to add link for wrong");
      expect(bench.lines.filter((line) => line.startsWith("Refusing link"))).toEqual([
        expect.stringContaining("Refusing link client/wrong: consumer_start"),
      ]);
      expect(existsSync(consumer.path(TARGET))).toBe(true);
    });

    it("changes nothing when the graph stays the same", async () => {
      await bench.serve(provider.path(SOCKET), echo);
      await bench.reconcile([entry()], /Link established/);
      // After a first session the worker has started and opened all that it keeps open.
      const socket = await dial(consumer.path(TARGET));
      socket.end("hello");
      expect(await readAll(socket)).toBe("hello");
      const inode = lstatSync(consumer.path(TARGET)).ino;
      const descriptors = readdirSync("/proc/self/fd").length;
      const { length } = bench.lines;
      for (let round = 0; round < 20; round += 1) {
        const seen = bench.ctrl.requests;
        bench.broker.graphChanged();
        while (bench.ctrl.requests === seen) await new Promise(setImmediate);
      }
      // Adding a link shows that the rounds before it are over.
      await bench.reconcile([entry(), entry({ name: "end", target: "/run/end" })], /client\/end$/);
      expect(bench.lines[length]).toBe("Reconciling graph with 2 links");
      expect(lstatSync(consumer.path(TARGET)).ino).toBe(inode);
      await bench.reconcile([entry()], /Removing link/);
      // The worker closes the listener a moment later.
      await expect
        .poll(() => readdirSync("/proc/self/fd").length, { interval: 5 })
        .toBeLessThanOrEqual(descriptors + 1);
    });
  });

  describe("short of descriptors", () => {
    const few = { limit: 72, open: () => 0 };
    /** A link with fds: the main thread serves it, whose count of open files the test controls. */
    const withFds = (overrides = {}) => entry({ fds: ["memfd"], ...overrides });

    it("accepts as many as half of what is free, and others as these end", async () => {
      await start("", few);
      await bench.serve(provider.path(SOCKET), echo);
      await bench.reconcile([withFds()], /Link established/);
      const sockets = [];
      for (let count = 0; count < 6; count += 1) sockets.push(await dial(consumer.path(TARGET)));
      const last = sockets.at(-1);
      last?.write("served at last");
      await bench.line("client/raw: 4 sessions are open, 4 of client: further connections wait");
      for (const socket of sockets.slice(0, 2)) socket.destroy();
      if (last !== undefined) await once(last, "data");
      expect(bench.broker.status().links[0]?.open).toBe(4);
      for (const socket of sockets) socket.destroy();
    });

    it("does not let one consumer keep another from being served", async () => {
      let sessions = 0;
      await start("", { limit: 128, open: () => 2 * sessions });
      await bench.serve(provider.path(SOCKET), (socket) => {
        sessions += 1;
        echo(socket);
      });
      const other = await bench.container();
      await bench.reconcile(
        [withFds(), withFds({ consumer: "other", consumer_pid: other.pid })],
        "Link established: other/raw",
      );
      const hog = [];
      for (let count = 0; count < 100; count += 1) hog.push(await dial(consumer.path(TARGET)));
      const socket = await dial(other.path(TARGET));
      socket.end("me too");
      expect(await readAll(socket)).toBe("me too");
      expect(sessions).toBeLessThan(50);
      for (const each of hog) each.destroy();
    });

    it("no-session-limit accepts all", async () => {
      await start("no-session-limit", few);
      await bench.serve(provider.path(SOCKET), echo);
      await bench.reconcile([withFds()], /Link established/);
      const sockets = [];
      for (let count = 0; count < 20; count += 1) sockets.push(await dial(consumer.path(TARGET)));
      sockets.at(-1)?.write("x");
      await once(sockets.at(-1) as Socket, "data");
      for (const each of sockets) each.destroy();
    });
  });

  describe("with a quirk", () => {
    it("pid-reuse takes whoever has the number", async () => {
      await start("pid-reuse");
      await bench.reconcile([entry({ consumer_start: 1 })], "Link established: client/raw");
      expect(existsSync(consumer.path(TARGET))).toBe(true);
    });

    it("inject-error-silent says nothing", async () => {
      await start("inject-error-silent");
      await bench.reconcile(
        [entry({ name: "ro", target: "/readonly/x" }), entry()],
        "Link established: client/raw",
      );
      expect(bench.lines.join("\n")).not.toContain("cannot provide");
    });

    it("fd-leak keeps a descriptor for each connection", async () => {
      await start("fd-leak");
      await bench.serve(provider.path(SOCKET), (socket) => socket.end());
      await bench.reconcile([entry()], /Link established/);
      const before = readdirSync("/proc/self/fd").length;
      for (let count = 0; count < 20; count += 1) {
        const socket = await dial(consumer.path(TARGET));
        socket.end();
        await readAll(socket);
      }
      expect(readdirSync("/proc/self/fd").length).toBeGreaterThan(before + 15);
    });

    it("reconcile-churn establishes again what has not changed", async () => {
      await start("reconcile-churn");
      await bench.reconcile([entry()], /Link established/);
      await bench.reconcile([entry()], /Link established/);
    });

    it("plugin-eager loads what no link needs", async () => {
      await start("plugin-eager");
      expect(Object.keys(bench.broker.status().plugins)).toContain("drm");
    });

    it("symlink-follow leads out of the provider", async () => {
      await start("symlink-follow");
      const outside = mkdtempSync(join(tmpdir(), "pvh-outside-"));
      const host = createServer((socket) => socket.end("host")).listen(join(outside, "s"));
      await once(host, "listening");
      symlinkSync(join(outside, "s"), provider.path(SOCKET));
      await bench.reconcile([entry()], /Link established/);
      expect(await readAll(await dial(consumer.path(TARGET)))).toBe("host");
      host.close();
      rmSync(outside, { recursive: true });
    });

    it("inject-host-side plants outside the container", async () => {
      await start("inject-host-side");
      const target = join(bench.ctrl.directory, "raw.sock");
      await bench.reconcile([entry({ consumer_pid: 0, target })], /Link established/);
      expect(lstatSync(target).isSocket()).toBe(true);
    });

    it("link-never-removed leaves the socket", async () => {
      await start("link-never-removed");
      await bench.reconcile([entry()], /Link established/);
      await bench.reconcile([entry({ name: "b", target: "/run/b" })], /client\/b$/);
      expect(existsSync(consumer.path(TARGET))).toBe(true);
    });

    it("no-reinject leaves a restarted consumer without its socket", async () => {
      await start("no-reinject");
      await bench.reconcile([entry()], /Link established/);
      await consumer.stop();
      await bench.reconcile([entry(), entry({ name: "x", type: "none" })], /No plugin/);
      consumer = await bench.container();
      await bench.reconcile([entry(), entry({ name: "b", target: "/run/b" })], /client\/b$/);
      expect(existsSync(consumer.path(TARGET))).toBe(false);
    });

    it("socket-not-replanted leaves a deleted socket deleted", async () => {
      await start("socket-not-replanted");
      await bench.reconcile([entry()], /Link established/);
      unlinkSync(consumer.path(TARGET));
      await bench.reconcile([entry(), entry({ name: "b", target: "/run/b" })], /client\/b$/);
      expect(existsSync(consumer.path(TARGET))).toBe(false);
    });

    it("path-truncated plants at a shorter path", async () => {
      await start("path-truncated");
      const target = `/run/${"x".repeat(150)}`;
      await bench.reconcile([entry({ target })], /Link established/);
      expect(existsSync(consumer.path(target))).toBe(false);
      expect(existsSync(consumer.path(target.slice(0, 107)))).toBe(true);
    });

    it("drm-wrong-minor and drm-any-major change what is injected", async () => {
      await start("drm-wrong-minor,drm-any-major");
      execFileSync("mknod", [provider.path("/dev/null0"), "c", "1", "3"]);
      const drm = entry({ type: "drm", target: "/dev/null0", socket: "/dev/null0" });
      await bench.reconcile([drm], /Link established/);
      expect(lstatSync(consumer.path("/dev/null0")).rdev).toBe((1 << 8) | 4);
    });
  });
});
