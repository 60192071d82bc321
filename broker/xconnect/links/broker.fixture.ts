import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { Server as HttpServer } from "node:http";
import { connect, createServer as createSocketServer } from "node:net";
import type { Server, Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PluginRegistry } from "../plugins/registry.ts";
import { parseQuirks } from "../../shared/quirks/quirks.ts";
import { Broker } from "./broker.ts";
import { ContainerStandIn } from "./container-stand-in.fixture.ts";
import { openFiles } from "../planes/open-files.ts";
import type { OpenFiles } from "../planes/open-files.ts";
import { BrokerToolbox } from "./toolbox.ts";

/** For tests: a pv-ctrl that serves a graph which the test sets. */
export class CtrlStub {
  graph: unknown[] = [];
  readonly directory = mkdtempSync(join(tmpdir(), "pvh-ctrl-"));
  readonly path = join(this.directory, "pv-ctrl");
  requests = 0;
  readonly #server: HttpServer = createServer((request, response) => {
    this.requests += 1;
    const known = request.url === "/xconnect-graph";
    response.writeHead(known ? 200 : 404, { "Content-Type": "application/json" });
    response.end(JSON.stringify(known ? this.graph : { Error: "no" }));
  });

  async start(): Promise<void> {
    this.#server.listen(this.path);
    await once(this.#server, "listening");
  }

  async stop(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, "close");
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** For tests: a broker in this process with a pv-ctrl stub, two containers and clean-up. */
export class BrokerBench {
  readonly ctrl = new CtrlStub();
  readonly lines: string[] = [];
  readonly containers: ContainerStandIn[] = [];
  readonly #stop = new AbortController();
  readonly #waiting = new Set<() => void>();
  readonly #servers: Server[] = [];
  readonly broker: Broker;
  #run: Promise<void> | undefined;

  constructor(quirkList = "", files: OpenFiles = openFiles()) {
    const quirks = parseQuirks(quirkList);
    const print = (line: string) => {
      this.lines.push(line);
      for (const look of this.#waiting) look();
    };
    const output = { log: print, warn: print, flush: () => undefined };
    this.broker = new Broker({
      ctrl: this.ctrl.path,
      quirks,
      output,
      plugins: new PluginRegistry(),
      tools: new BrokerToolbox({ quirks, output, replaceLive: false, files }),
      replant: true,
      extensionsOfState: false,
    });
  }

  async start(): Promise<void> {
    await this.ctrl.start();
    this.#run = this.broker.run(this.#stop.signal);
    await this.line("Reconciling graph with 0 links");
  }

  async container(options?: { readonly ownUsers?: boolean }): Promise<ContainerStandIn> {
    const container = await ContainerStandIn.start(options);
    this.containers.push(container);
    return container;
  }

  /** Set the graph, and wait for a line that matches and was written after that. */
  async reconcile(graph: unknown[], line: RegExp | string): Promise<string> {
    const from = this.lines.length;
    this.ctrl.graph = graph;
    this.broker.graphChanged();
    return await this.line(line, from);
  }

  async line(wanted: RegExp | string, from = 0): Promise<string> {
    for (;;) {
      const found = this.lines
        .slice(from)
        .find((line) => (typeof wanted === "string" ? line === wanted : wanted.test(line)));
      if (found !== undefined) return found;
      const { promise, resolve } = Promise.withResolvers<undefined>();
      const look = () => {
        resolve(undefined);
      };
      this.#waiting.add(look);
      await promise;
      this.#waiting.delete(look);
    }
  }

  /** Start a server in a container; `serve` gets each connection, as a half-open socket. */
  async serve(path: string, serve: (socket: Socket) => void): Promise<void> {
    const server = createSocketServer({ allowHalfOpen: true }, (socket) => {
      socket.on("error", () => undefined);
      serve(socket);
    });
    server.listen(path);
    await once(server, "listening");
    this.#servers.push(server);
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#run;
    for (const server of this.#servers) server.close();
    await Promise.all(this.containers.map((container) => container.stop()));
    await this.ctrl.stop();
  }
}

/** For tests: connect; the socket is half-open. */
export async function dial(path: string): Promise<Socket> {
  const socket = connect({ path, allowHalfOpen: true });
  await once(socket, "connect");
  socket.on("error", () => undefined);
  return socket;
}

/** For tests: read everything until EOF. */
export async function readAll(socket: Socket): Promise<string> {
  const chunks: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => chunks.push(chunk));
  if (!socket.readableEnded) await once(socket, "end");
  return Buffer.concat(chunks).toString("utf8");
}
