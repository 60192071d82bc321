import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { PROPERTY_RUNS } from "./shared/formats/property-runs.fixture.ts";
import { HostileServer, acts, attack } from "./hostile-peer.fixture.ts";
import { none } from "./shared/quirks/quirks.ts";
import { fetchGraph } from "./xconnect/links/graph-client.ts";
import { RobustBench, dialBus, eventually, readUntil } from "./xconnect/links/robust.fixture.ts";
import { dial } from "./xconnect/links/broker.fixture.ts";

/** Connections at a time, each with acts of its own. */
const TOGETHER = 20;
/** Milliseconds within which a good client is answered, on a busy machine too. */
const BOUND = 10_000;

const together = fc.array(acts, { minLength: 1, maxLength: TOGETHER });

const fdsOf = (pid: number) => readdirSync(`/proc/${pid}/fd`).length;

describe("pv-ctrl", () => {
  let folder: string;
  let server: ChildProcess;
  let complaints = "";

  async function start(): Promise<{ path: string; pid: number }> {
    folder = mkdtempSync(join(tmpdir(), "pvh-hostile-"));
    complaints = "";
    const program = join(import.meta.dirname, "pantavisor/control/control-server.main.fixture.ts");
    const child = spawn(process.execPath, [program, folder], { stdio: ["ignore", "pipe", "pipe"] });
    server = child;
    child.stderr.on("data", (chunk: Buffer) => (complaints += chunk.toString()));
    await Promise.race([once(child.stdout, "data"), once(child, "exit")]);
    return { path: join(folder, "pv-ctrl"), pid: child.pid ?? 0 };
  }

  afterEach(() => {
    server.kill();
    rmSync(folder, { recursive: true });
  });

  /** A client without fault. */
  async function answers(path: string): Promise<void> {
    const socket = connect(path);
    const late = setTimeout(() => socket.destroy(), BOUND);
    socket.write("GET /containers HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    try {
      expect(await text(socket)).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    } catch (error) {
      throw new Error(`pv-ctrl does not answer: ${complaints}`, { cause: error });
    } finally {
      clearTimeout(late);
    }
  }

  it("survives a CONNECT whose sender is gone before the answer", async () => {
    const { path } = await start();
    for (let time = 0; time < 20; time += 1) {
      await attack(path, [{ kind: "write", bytes: "CONNECT x HTTP/1.1\r\n\r\n" }]);
      await answers(path);
    }
  });

  it("closes a CONNECT that it has refused, however long its sender stays", async () => {
    const { path, pid } = await start();
    await answers(path);
    const before = fdsOf(pid);
    const socket = connect({ path, allowHalfOpen: true });
    socket.write("CONNECT x HTTP/1.1\r\n\r\n");
    expect(await text(socket)).toMatch(/^HTTP\/1\.1 405 /);
    await eventually("its descriptor to be closed", () => fdsOf(pid) <= before);
    socket.destroy();
  });

  it("lives, answers and keeps no descriptor, whatever its clients send and however they go", async () => {
    const { path, pid } = await start();
    await answers(path);
    const before = fdsOf(pid);
    await fc.assert(
      fc.asyncProperty(together, async (all) => {
        await Promise.all(all.map((one) => attack(path, one)));
        await answers(path);
      }),
      { numRuns: Math.ceil(PROPERTY_RUNS / TOGETHER) },
    );
    await eventually("its descriptors to be closed", () => fdsOf(pid) <= before);
    expect(complaints).toBe("");
  }, 300_000);
});

describe("the broker's reading of the graph", () => {
  it("ends with a graph or an error, whatever pv-ctrl sends and however it goes", async () => {
    const folder = mkdtempSync(join(tmpdir(), "pvh-hostile-"));
    const server = new HostileServer();
    const path = join(folder, "pv-ctrl");
    await server.listen(path);
    const { signal } = new AbortController();
    const fetch = () => fetchGraph(path, { signal, timeout: 200, quirks: none });
    await fc.assert(
      fc.asyncProperty(together, async (programs) => {
        server.programs = programs;
        const outcomes = await Promise.all(
          programs.map(() =>
            fetch().then(
              () => "graph",
              (error: unknown) => (error instanceof Error ? "error" : "no error"),
            ),
          ),
        );
        expect(outcomes).not.toContain("no error");
      }),
      { numRuns: Math.ceil(PROPERTY_RUNS / TOGETHER) },
    );
    server.close();
    rmSync(folder, { recursive: true });
  }, 300_000);
});

describe.skipIf(process.getuid?.() !== 0)("the broker's sockets (needs root)", () => {
  const links = [
    { name: "web", type: "rest", upgrade: ["tcp"] },
    { name: "raw", type: "unix" },
    { name: "fds", type: "unix", fds: ["memfd"] },
    { name: "bus", type: "dbus" },
    { name: "device", type: "input" },
  ];
  let bench: RobustBench;
  afterEach(() => bench.stop());

  it("serve on, and keep no descriptor, whatever consumers and providers send and however they go", async () => {
    bench = new RobustBench();
    await bench.start([
      ...links,
      { name: "good", type: "rest" },
      { name: "goodbus", type: "dbus" },
    ]);
    await bench.serve("good", (socket) => {
      socket.on("data", () => socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"));
    });
    await bench.serveBus("goodbus");
    const providers = await Promise.all(
      links.map(async ({ name }) => {
        const server = new HostileServer();
        await server.listen(bench.provider.path(`/run/example/${name}.sock`));
        return server;
      }),
    );
    const served = async () => {
      const web = await dial(bench.target("good"));
      web.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
      expect(await readUntil(web, /ok$/)).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
      web.destroy();
      const bus = await dialBus(bench.target("goodbus"));
      bus.destroy();
    };
    await served();
    const before = await bench.broker.restingFds();
    const target = fc.nat(links.length - 1);
    const clients = fc.array(fc.tuple(target, acts), { minLength: 1, maxLength: TOGETHER });
    const programs = fc.array(acts, { minLength: 1, maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(clients, programs, async (all, ofProviders) => {
        for (const provider of providers) provider.programs = ofProviders;
        const sockets = links.map(({ name }) => bench.target(name));
        await Promise.all(all.map(([index, one]) => attack(sockets[index] ?? "", one)));
        expect(bench.broker.running, bench.broker.output).toBe(true);
        await served();
      }),
      { numRuns: Math.ceil(PROPERTY_RUNS / TOGETHER) },
    );
    await bench.broker.backAt(before);
    for (const provider of providers) provider.close();
  }, 300_000);
});
