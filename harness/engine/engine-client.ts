import { readFileSync } from "node:fs";
import { Agent, request } from "node:http";
import type { ClientRequest } from "node:http";
import { Agent as TlsAgent } from "node:https";
import { Socket } from "node:net";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { inspect } from "node:util";
import "./lazy-libraries.ts";
import Docker from "dockerode";
import { debugLog } from "../debug.ts";
import { PvhError } from "../errors.ts";
import type { DirectAddress, TlsFiles } from "./engine-address.ts";
import { callLog } from "./engine-calls.ts";
import { silentEngine } from "./silent-engine.ts";

/** Seconds without an answer to a ping after which an engine is silent. */
export interface Patience {
  /** Limit before the engine has answered any ping. */
  readonly first: number;
  readonly later: number;
}
const PATIENCE: Patience = { first: 10, later: 30 };
/** Bytes of an answer that is kept in memory; docker info has some thousand. */
const LONGEST_ANSWER = 64 << 20;

/** The parts of docker-modem that requests go through. */
interface Modem {
  agent: Agent;
  dial(options: DialOptions, callback: DialCallback): void;
}
interface DialOptions {
  readonly method: string;
  readonly path: string;
  readonly isStream?: boolean;
  readonly hijack?: boolean;
}
type DialCallback = (error: unknown, data?: unknown) => void;

/** A request that is under way, or a stream that it has become. */
interface Exchange {
  readonly socket: Socket;
  /** True when the answer is collected in memory: once begun, it arrives without pauses. */
  readonly collected: boolean;
  /** Bytes that had come at the last tick, and ticks since then without more. */
  read: number;
  idle: number;
}

/**
 * A client of an engine whose requests never wait for ever. While a request is under way, the
 * engine is pinged on separate connections: a request may take any time, but an engine that does
 * not even answer a ping is stopped or stuck, and then all requests fail. A request also fails
 * when its connection ends in the middle of the answer, which docker-modem would not report.
 */
export function engineClient(address: DirectAddress, patience = PATIENCE): Docker {
  const docker = withoutDockerHost(() => new Docker(modemOptions(address)));
  const modem = docker.modem as unknown as Modem;
  const watch = new Watch(address, patience);
  const dial = modem.dial.bind(modem);
  const log = debugLog("engine");
  const calls = log && callLog(log);
  modem.dial = (options, callback) => {
    const call = calls?.begin(options);
    let settled = false;
    const once: DialCallback = (error, data) => {
      if (settled) return;
      settled = true;
      call?.end(error);
      callback(error, data);
    };
    // docker-modem takes the agent before it returns.
    modem.agent = oneConnection(address, (socket) => {
      call?.goesOver(socket);
      const collected = options.isStream !== true && options.hijack !== true;
      watch.add({ socket, collected, read: 0, idle: 0 });
      socket.once("close", () => {
        // Data that arrived before the close is handled first.
        setImmediate(() => once(socket.errored ?? endedEarly(address)));
      });
    });
    dial(options, once);
  };
  return docker;
}

/** docker-modem reads the environment, and lets DOCKER_HOST win over what it is told. */
function withoutDockerHost<T>(make: () => T): T {
  const { DOCKER_HOST } = process.env;
  delete process.env["DOCKER_HOST"];
  try {
    return make();
  } finally {
    if (DOCKER_HOST !== undefined) process.env["DOCKER_HOST"] = DOCKER_HOST;
  }
}

function modemOptions(address: DirectAddress): Docker.DockerOptions {
  if (address.kind === "unix") return { socketPath: address.path };
  const { hostname, port, tls } = address;
  return { host: hostname, port, protocol: tls === undefined ? "http" : "https" };
}

/** Agent for one request: `opened` gets its socket, and no closing connection is reused. */
function oneConnection(address: DirectAddress, opened: (socket: Socket) => void): Agent {
  const tls = address.kind === "tcp" ? address.tls : undefined;
  const agent =
    tls === undefined
      ? new Agent({ keepAlive: false })
      : new TlsAgent({ keepAlive: false, rejectUnauthorized: tls.verify, ...certificates(tls) });
  // docker-modem describes each request for its debug log, also when nobody reads it: every object
  // that hangs on the agent, which takes longer than the request.
  Object.assign(agent, { [inspect.custom]: () => "agent" });
  const create = agent.createConnection.bind(agent);
  agent.createConnection = (options, callback): Duplex | null | undefined => {
    const socket = create(options, callback);
    if (socket instanceof Socket) opened(socket);
    return socket;
  };
  return agent;
}

function certificates({ folder }: TlsFiles): { ca?: Buffer; cert?: Buffer; key?: Buffer } {
  const [ca, cert, key] = ["ca.pem", "cert.pem", "key.pem"].map((name) => {
    try {
      return readFileSync(join(folder, name));
    } catch {
      return undefined;
    }
  });
  return { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) };
}

/**
 * Notices that an engine has fallen silent. Time is counted in ticks of this process, so that a
 * delay of pvh itself is not blamed on the engine.
 */
class Watch {
  readonly #address: DirectAddress;
  readonly #exchanges = new Set<Exchange>();
  #timer: NodeJS.Timeout | undefined;
  #ping: ClientRequest | undefined;
  #silent = 0;
  readonly #patience: Patience;
  #limit: number;

  constructor(address: DirectAddress, patience: Patience) {
    this.#address = address;
    this.#patience = patience;
    this.#limit = patience.first;
  }

  add(exchange: Exchange): void {
    this.#exchanges.add(exchange);
    exchange.socket.once("close", () => {
      this.#exchanges.delete(exchange);
      if (this.#exchanges.size === 0) this.#rest();
    });
    this.#timer ??= setInterval(() => this.#tick(), 1_000).unref();
  }

  #rest(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#ping?.destroy();
    this.#ping = undefined;
    this.#silent = 0;
  }

  #tick(): void {
    for (const exchange of this.#exchanges) if (exchange.collected) this.#look(exchange);
    if (this.#ping === undefined) this.#ask();
    this.#silent += 1;
    if (this.#silent <= this.#limit) return;
    const error = this.#why();
    // The engine is known to be silent: later requests need not wait as long again.
    this.#limit = this.#patience.first;
    for (const { socket } of this.#exchanges) socket.destroy(error);
  }

  #look(exchange: Exchange): void {
    const { socket, read } = exchange;
    const { later } = this.#patience;
    exchange.read = socket.bytesRead;
    exchange.idle = socket.bytesRead > 0 && socket.bytesRead === read ? exchange.idle + 1 : 0;
    if (exchange.read > LONGEST_ANSWER) socket.destroy(tooLong(this.#address));
    if (exchange.idle > later) socket.destroy(silentEngine(this.#address.host, later));
  }

  #why(): Error {
    const { host } = this.#address;
    const connected = [...this.#exchanges].some(({ socket }) => !socket.connecting);
    if (connected) return silentEngine(host, this.#limit);
    return new Error(`ETIMEDOUT: no connection to ${host} within ${this.#limit} s`);
  }

  /** Any answer counts, and so does a refused connection: the requests report that themselves. */
  #ask(): void {
    const ping = request({
      ...(this.#address.kind === "unix"
        ? { socketPath: this.#address.path }
        : { host: this.#address.hostname, port: this.#address.port }),
      path: "/_ping",
      agent: oneConnection(this.#address, () => undefined),
    });
    this.#ping = ping;
    const heard = (answered: boolean): void => {
      if (this.#ping !== ping) return;
      this.#ping = undefined;
      this.#silent = 0;
      if (answered) this.#limit = this.#patience.later;
    };
    ping.once("response", (response) => {
      response.resume().on("error", () => undefined);
      response.once("end", () => heard(true));
    });
    ping.on("error", () => undefined);
    ping.once("close", () => heard(false));
    ping.end();
  }
}

function endedEarly({ host }: DirectAddress): Error {
  return new Error(`ECONNRESET: the engine at ${host} closed the connection before its answer`);
}

function tooLong({ host }: DirectAddress): PvhError {
  const size = `${LONGEST_ANSWER >> 20} MiB`;
  return new PvhError("PVH_ENGINE", `the engine at ${host} answers with more than ${size}`);
}
