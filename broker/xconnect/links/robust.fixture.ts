import { execFileSync, spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import type { Server, Socket } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { CtrlStub, dial } from "./broker.fixture.ts";
import { ContainerStandIn } from "./container-stand-in.fixture.ts";

const ENTRY_POINT = join(import.meta.dirname, "../pv-xconnect.main.ts");
const DEADLINE = 20_000;
/** Fds (pipes) that a broker may keep for later sessions, after any number of sessions. */
const KEPT = 16;

/**
 * The factor by which repetitions are multiplied: a fraction in the unit tests, which must be
 * quick, N in `pvh bench --soak N`.
 */
const SCALE = Number(process.env["PVH_SOAK"] ?? 0.1);

export function times(count: number): number {
  return Math.round(count * SCALE);
}

/** Milliseconds that a test may take which does something `times(…)`. */
export const PATIENCE = 30_000 + 60_000 * SCALE;

/** For tests: a graph entry without its processes. */
export interface BenchLink {
  readonly name: string;
  readonly type: string;
  readonly [key: string]: unknown;
}

/**
 * For tests: the broker as a process of its own between two stand-in containers, so that a test can
 * measure its fds, memory and CPU time, and kill it. The link `steady` is always there; its
 * provider sends everything back.
 */
export class RobustBench {
  readonly ctrl = new CtrlStub();
  consumer!: ContainerStandIn;
  provider!: ContainerStandIn;
  broker!: BrokerProcess;
  readonly #servers = new Set<Server>();
  readonly #children: ChildProcess[] = [];
  readonly #containers: ContainerStandIn[] = [];

  /** @param nofile limit of the broker's open files */
  async start(links: readonly BenchLink[], options: { nofile?: number } = {}): Promise<void> {
    await this.ctrl.start();
    [this.consumer, this.provider] = await Promise.all([this.container(), this.container()]);
    await this.serve("steady", (socket) => void socket.pipe(socket));
    this.graph(links);
    await this.startBroker(options);
    await this.broker.established(links.length + 1);
    // Fds that the broker opens for its first session and keeps are no leak.
    const heartbeat = new Heartbeat(this.target("steady"));
    await eventually("the first sessions", () => heartbeat.beats > 2);
    await heartbeat.stop();
  }

  async startBroker({ nofile }: { nofile?: number } = {}): Promise<void> {
    this.broker = await BrokerProcess.start(this.ctrl.path, nofile);
  }

  async container(): Promise<ContainerStandIn> {
    const container = await ContainerStandIn.start();
    mkdirSync(container.path("/run/example"));
    writeFileSync(container.path("/etc/passwd"), "root:x:0:0:::\nnobody:x:65534:65534:::\n");
    this.#containers.push(container);
    return container;
  }

  /** Set the graph: these links and `steady`. */
  graph(links: readonly BenchLink[]): void {
    this.ctrl.graph = [{ name: "steady", type: "unix" }, ...links].map((link) => ({
      consumer: "client",
      consumer_pid: this.consumer.pid,
      provider: "server",
      provider_pid: this.provider.pid,
      role: "root",
      target: `/run/pv/${link.name}.sock`,
      socket: `/run/example/${link.name}.sock`,
      ...link,
    }));
  }

  /** Path of a link's socket in the consumer. */
  target(name: string): string {
    return this.consumer.path(`/run/pv/${name}.sock`);
  }

  /** Start a server in the provider; its sockets are half-open. */
  async serve(name: string, onConnection: (socket: Socket) => void): Promise<Server> {
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      socket.on("error", () => undefined);
      onConnection(socket);
    });
    server.listen({ path: this.provider.path(`/run/example/${name}.sock`), backlog: 4096 });
    await once(server, "listening");
    this.#servers.add(server);
    return server;
  }

  /** Start a bus in the provider. */
  async serveBus(name: string, limits = ""): Promise<void> {
    const path = this.provider.path(`/run/example/${name}.sock`);
    const config = join(this.ctrl.directory, `${name}.conf`);
    writeFileSync(
      config,
      `<busconfig><type>system</type><listen>unix:path=${path}</listen><auth>EXTERNAL</auth>
      <policy context="default"><allow user="*"/><allow own="*"/><allow send_destination="*"/>
      <allow receive_sender="*"/></policy>${limits}</busconfig>`,
    );
    const args = [`--config-file=${config}`, "--nofork", "--print-address"];
    const daemon = spawn("dbus-daemon", args, { stdio: ["ignore", "pipe", "ignore"] });
    this.#children.push(daemon);
    await Promise.race([once(daemon.stdout, "data"), once(daemon, "exit")]);
  }

  async stop(): Promise<void> {
    await this.broker.end();
    for (const server of this.#servers) server.close();
    for (const child of this.#children) child.kill();
    for (const container of this.#containers) await container.stop();
    await this.ctrl.stop();
  }
}

/** For tests: pv-xconnect as a process. */
export class BrokerProcess {
  readonly #child: ChildProcess;
  readonly pid: number;
  output = "";

  private constructor(child: ChildProcess, pid: number) {
    this.#child = child;
    this.pid = pid;
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on("data", (chunk: Buffer) => (this.output += chunk.toString()));
    }
  }

  static async start(ctrl: string, nofile: number | undefined): Promise<BrokerProcess> {
    const limit = nofile === undefined ? [] : ["prlimit", `--nofile=${nofile}`];
    // Without a limit use env(1), which only starts the command behind it.
    const args = [...limit, process.execPath, ENTRY_POINT, "--ctrl", ctrl];
    const child = spawn("env", args, { stdio: ["ignore", "pipe", "pipe"] });
    await once(child, "spawn");
    if (child.pid === undefined) throw new Error("no process");
    return new BrokerProcess(child, child.pid);
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Wait until `count` links have been established since the start. */
  async established(count: number): Promise<void> {
    await eventually(`${count} links`, () => this.count(/^Link established/gm) >= count);
  }

  count(pattern: RegExp): number {
    return this.output.match(pattern)?.length ?? 0;
  }

  graphChanged(): void {
    this.#child.kill("SIGHUP");
  }

  get fds(): number {
    return readdirSync(`/proc/${this.pid}/fd`).length;
  }

  /** Wait until no more fds are open than `fds`, the number before the sessions. */
  async backAt(fds: number): Promise<void> {
    await eventually(`${fds} fds and at most ${KEPT} more`, () => this.fds <= fds + KEPT);
  }

  /** Change its limit of open files from now on. */
  limitFiles(soft: number): void {
    execFileSync("prlimit", ["--pid", `${this.pid}`, `--nofile=${soft}:`]);
  }

  /** The number of its fds once it stays the same, so after the last sessions' fds are closed. */
  async restingFds(): Promise<number> {
    let [last, since] = [this.fds, 0];
    await eventually("the fds to stay as they are", () => {
      const now = this.fds;
      since = now === last ? since + 1 : 0;
      last = now;
      return since === 30;
    });
    return last;
  }

  /** Resident memory in MiB. */
  get rss(): number {
    const status = readFileSync(`/proc/${this.pid}/status`, "latin1");
    return Number(/^VmRSS:\s*(\d+)/m.exec(status)?.[1] ?? 0) / 1024;
  }

  /** CPU time so far in seconds (proc_pid_stat(5): utime, stime). */
  get cpu(): number {
    const stat = readFileSync(`/proc/${this.pid}/stat`, "latin1");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return (Number(fields[11]) + Number(fields[12])) / 100;
  }

  async kill(signal: "SIGKILL" | "SIGTERM"): Promise<void> {
    if (!this.running) return;
    const exited = once(this.#child, "exit");
    this.#child.kill(signal);
    await exited;
  }

  async end(): Promise<void> {
    await this.kill("SIGTERM");
  }
}

/** For tests: a client that uses a link all the time and must never see a failure. */
export class Heartbeat {
  beats = 0;
  #failure: unknown;
  #stopped = false;
  readonly #done: Promise<void>;

  constructor(path: string) {
    this.#done = this.#run(path).catch((error: unknown) => {
      this.#failure = error;
    });
  }

  /** @throws Error when a beat failed, or when there was none */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#done;
    if (this.#failure !== undefined) throw new Error("other link", { cause: this.#failure });
    if (this.beats === 0) throw new Error("the other link did not answer once");
  }

  /** Keep one long session open and make short ones. */
  async #run(path: string): Promise<void> {
    const long = await dial(path);
    while (!this.#stopped) {
      await beat(long);
      const short = await dial(path);
      await beat(short);
      short.destroy();
      this.beats += 1;
    }
    long.destroy();
  }
}

async function beat(socket: Socket): Promise<void> {
  const answered = Promise.withResolvers<string>();
  const end = () => answered.reject(new Error("session ended"));
  const timer = setTimeout(() => answered.reject(new Error("no answer")), DEADLINE);
  socket.once("close", end).once("end", end);
  socket.once("data", (chunk: Buffer) => answered.resolve(chunk.toString()));
  socket.write("beat");
  try {
    if ((await answered.promise) !== "beat") throw new Error("another answer");
  } finally {
    clearTimeout(timer);
    socket.off("close", end).off("end", end);
  }
}

/** For tests: poll a thing that no event reports (the fds or memory of another process). */
export async function eventually(what: string, probe: () => boolean): Promise<void> {
  const deadline = performance.now() + DEADLINE;
  while (!probe()) {
    if (performance.now() > deadline) throw new Error(`waited ${DEADLINE} ms for ${what}`);
    await delay(5);
  }
}

/** For tests: run `work` for 0 … count - 1, a number of them at a time. */
export async function inParallel(
  count: number,
  width: number,
  work: (index: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const lane = async () => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: width }, lane));
}

/** For tests: the text that arrives up to `end` or EOF; fails when neither comes. */
export function readUntil(socket: Socket, end: RegExp): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let text = "";
  const timer = setTimeout(() => reject(new Error(`no ${end.source} in: ${text}`)), DEADLINE);
  const settle = () => {
    clearTimeout(timer);
    socket.off("data", take).off("close", settle);
    resolve(text);
  };
  const take = (chunk: Buffer) => {
    text += chunk.toString("latin1");
    if (end.test(text)) settle();
  };
  socket.on("data", take).on("close", settle).once("end", settle);
  return promise;
}

/** For tests: Hello of the D-Bus specification, little endian, serial 1. */
export const HELLO = message([
  [1, "o", "/org/freedesktop/DBus"],
  [2, "s", "org.freedesktop.DBus"],
  [3, "s", "Hello"],
  [6, "s", "org.freedesktop.DBus"],
]);

function message(fields: readonly (readonly [number, string, string])[]): Buffer {
  let header = Buffer.alloc(0);
  for (const [code, type, value] of fields) {
    const padding = Buffer.alloc((8 - (header.length % 8)) % 8);
    const length = Buffer.alloc(4);
    length.writeUInt32LE(value.length);
    const start = Buffer.from([code, 1, type.charCodeAt(0), 0]);
    header = Buffer.concat([header, padding, start, length, Buffer.from(`${value}\0`)]);
  }
  const fixed = Buffer.from([0x6c, 1, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]);
  fixed.writeUInt32LE(header.length, 12);
  return Buffer.concat([fixed, header, Buffer.alloc((8 - (header.length % 8)) % 8)]);
}

/** For tests: connect to a bus as libdbus does. @returns once Hello is answered */
export async function dialBus(path: string): Promise<Socket> {
  const socket = await dial(path);
  socket.write("\0AUTH EXTERNAL 30\r\n");
  const answer = await readUntil(socket, /\r\n/);
  if (!answer.startsWith("OK ")) throw new Error(`no OK but ${JSON.stringify(answer)}`);
  socket.write(Buffer.concat([Buffer.from("BEGIN\r\n"), HELLO]));
  const greeted = await readUntil(socket, /:\d+\.\d+\0/);
  if (!/:\d+\.\d+\0/.test(greeted)) throw new Error("Hello was not answered");
  return socket;
}
