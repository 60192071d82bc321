import { Agent, request } from "node:http";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type * as z from "zod";
import {
  containersBody,
  daemonsBody,
  errorBody,
  groupsBody,
} from "../../broker/shared/formats/control.ts";
import type { ContainerBody, DaemonBody, GroupBody } from "../../broker/shared/formats/control.ts";
import { parseGraph } from "../../broker/shared/formats/graph.ts";
import type { GraphEntry } from "../../broker/shared/formats/graph.ts";
import { clock } from "../clock/clock.ts";
import type { Deadline } from "../clock/deadline.ts";
import { debugLog, millisecondsSince } from "../debug.ts";
import { readBounded } from "../engine/bounded.ts";
import { PvhError } from "../errors.ts";
import { observed } from "../observed.ts";
import { messageOfThrown } from "../thrown.ts";
import { asSocket } from "./duplex-socket.ts";

/** Opens one stream to the pv-ctrl socket, from inside the appengine. */
export type ConnectControl = () => Promise<Duplex>;

export interface ControlReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

export interface ControlRequest {
  readonly body?: string;
  readonly signal?: AbortSignal;
  /** Deadline in milliseconds of given time for the whole exchange; default 15,000. */
  readonly timeout?: number;
}

/** A request that has ended. */
export interface ControlCall {
  readonly method: string;
  readonly path: string;
  readonly ms: number;
  /** Status of its reply, when there was a whole one. */
  readonly status?: number;
  readonly body?: string;
  readonly error?: unknown;
}

export type ContainerAction = "start" | "stop" | "restart";
export type DaemonAction = "start" | "stop";

/**
 * Typed client of pv-ctrl. Bodies are checked against the schemas of broker/shared/formats.
 *
 * It talks over exec streams because pv-ctrl tells callers apart by pid: a request has to
 * come from inside the appengine. The stream is kept alive between requests.
 */
export class ControlClient {
  /** Told of each request when it has ended. */
  onCall: ((call: ControlCall) => void) | undefined;
  readonly #agent: Agent;
  readonly #debug = debugLog("control");

  constructor(connect: ConnectControl) {
    this.#agent = new StreamAgent(connect);
  }

  /**
   * One exchange, whatever its status.
   * @throws PvhError PVH_CONTROL when there is no whole answer before the deadline, PVH_STARVED
   *         when the machine did not give it that time, PVH_TOO_MUCH for a body without end
   */
  async send(method: string, path: string, options: ControlRequest = {}): Promise<ControlReply> {
    const begun = performance.now();
    try {
      const reply = await this.#send(method, path, options);
      const { status, body } = reply;
      observed(`${method} ${path}`, `${status} ${body}`);
      this.onCall?.({ method, path, ms: performance.now() - begun, status, body });
      this.#debug?.(
        `${method} ${path} ${status}, ${body.length} characters, ${millisecondsSince(begun)} ms`,
      );
      return reply;
    } catch (error) {
      observed(`${method} ${path}`, messageOfThrown(error));
      this.onCall?.({ method, path, ms: performance.now() - begun, error });
      this.#debug?.(`${messageOfThrown(error)}, ${millisecondsSince(begun)} ms`);
      throw error;
    }
  }

  async #send(method: string, path: string, options: ControlRequest): Promise<ControlReply> {
    using deadline = clock.deadline(options.timeout ?? TIMEOUT);
    const exchange = (): Promise<ControlReply> => this.#exchange(method, path, options, deadline);
    try {
      return await exchange().catch(async (error: unknown) => {
        // The server may close an idle connection just as it is used again.
        const code = error instanceof Error && "code" in error ? error.code : undefined;
        if ((code !== "ECONNRESET" && code !== "EPIPE") || method !== "GET") throw error;
        return await exchange();
      });
    } catch (error) {
      throw failed(`${method} ${path}`, error, deadline);
    }
  }

  containers(signal?: AbortSignal): Promise<ContainerBody[]> {
    return this.#get("/containers", containersBody, signal);
  }

  async container(name: string, signal?: AbortSignal): Promise<ContainerBody> {
    const found = (await this.containers(signal)).find((container) => container.name === name);
    if (found === undefined)
      throw new PvhError("PVH_CONTROL", `/containers does not list '${name}'`);
    return found;
  }

  groups(signal?: AbortSignal): Promise<GroupBody[]> {
    return this.#get("/groups", groupsBody, signal);
  }

  daemons(signal?: AbortSignal): Promise<DaemonBody[]> {
    return this.#get("/daemons", daemonsBody, signal);
  }

  async graph(signal?: AbortSignal): Promise<GraphEntry[]> {
    return parseGraph(await this.json("/xconnect-graph", signal));
  }

  /** Ask for a container's start. @throws PvhError PVH_CONTROL unless the reply is 200 */
  start(name: string, signal?: AbortSignal): Promise<void> {
    return this.#done(name, "start", signal);
  }

  /** Ask for a container's stop. @throws PvhError PVH_CONTROL unless the reply is 200 */
  stop(name: string, signal?: AbortSignal): Promise<void> {
    return this.#done(name, "stop", signal);
  }

  /** Ask for a container's restart. @throws PvhError PVH_CONTROL unless the reply is 200 */
  restart(name: string, signal?: AbortSignal): Promise<void> {
    return this.#done(name, "restart", signal);
  }

  async #done(name: string, action: ContainerAction, signal?: AbortSignal): Promise<void> {
    const reply = await this.act(name, action, signal);
    if (reply.status === 200) return;
    const what = `PUT /containers/${name} (${action})`;
    throw new PvhError("PVH_CONTROL", `${what}: ${reply.status} ${reasonOf(reply)}`);
  }

  /** PUT /containers/NAME; returns the reply whatever its status. */
  act(name: string, action: ContainerAction, signal?: AbortSignal): Promise<ControlReply> {
    return this.#put(`/containers/${name}`, action, signal);
  }

  /** PUT /daemons/NAME; returns the reply whatever its status. */
  actOnDaemon(name: string, action: DaemonAction, signal?: AbortSignal): Promise<ControlReply> {
    return this.#put(`/daemons/${name}`, action, signal);
  }

  /** @throws PvhError PVH_CONTROL unless the reply is 200 with JSON */
  async json(path: string, signal?: AbortSignal): Promise<unknown> {
    const reply = await this.send("GET", path, { ...(signal && { signal }) });
    if (reply.status !== 200) {
      throw new PvhError("PVH_CONTROL", `GET ${path}: ${reply.status} ${reasonOf(reply)}`);
    }
    try {
      return JSON.parse(reply.body);
    } catch (cause) {
      throw new PvhError("PVH_CONTROL", `GET ${path}: the body is not JSON`, { cause });
    }
  }

  close(): void {
    this.#agent.destroy();
  }

  async #get<T>(path: string, schema: z.ZodType<T>, signal?: AbortSignal): Promise<T> {
    const parsed = schema.safeParse(await this.json(path, signal));
    if (parsed.success) return parsed.data;
    const why = parsed.error.message.slice(0, 1_000);
    throw new PvhError("PVH_CONTROL", `GET ${path}: unexpected body: ${why}`);
  }

  #put(path: string, action: string, signal?: AbortSignal): Promise<ControlReply> {
    const body = JSON.stringify({ action });
    return this.send("PUT", path, { body, ...(signal && { signal }) });
  }

  #exchange(
    method: string,
    path: string,
    options: ControlRequest,
    deadline: Deadline,
  ): Promise<ControlReply> {
    const signal = AbortSignal.any([
      deadline.signal,
      ...(options.signal === undefined ? [] : [options.signal]),
    ]);
    const headers: Record<string, string> = { Host: "localhost" };
    if (options.body !== undefined) {
      headers["Content-Type"] = "application/json";
      headers["Content-Length"] = String(Buffer.byteLength(options.body));
    }
    return new Promise((resolve, reject) => {
      const outgoing = request({ agent: this.#agent, method, path, headers, signal });
      outgoing.once("error", (error) => {
        // pv-ctrl had closed an idle connection just before: the request never left.
        const unsent = "code" in error && error.code === "EPIPE" && outgoing.reusedSocket;
        if (unsent) this.#exchange(method, path, options, deadline).then(resolve, reject);
        else reject(error);
      });
      outgoing.once("response", (incoming) => {
        collect(incoming, `${method} ${path}`).then(resolve, (error: unknown) => {
          incoming.destroy();
          reject(error instanceof Error ? error : new Error(String(error)));
        });
      });
      outgoing.end(options.body);
    });
  }
}

/** Milliseconds for an answer: a real pv-ctrl answers a stop when the container has stopped, after 5 s. */
const TIMEOUT = 15_000;

function failed(what: string, cause: unknown, deadline: Deadline): PvhError {
  if (cause instanceof PvhError) return cause;
  const late = deadline.signal.aborted ? deadline.error(`${what}: no answer in time`) : undefined;
  if (late?.code === "PVH_STARVED") return late;
  const why = cause instanceof Error ? cause.message : String(cause);
  return new PvhError("PVH_CONTROL", late?.message ?? `${what}: ${why}`, { cause });
}

/** The text of an {"Error": …} body, or the start of whatever came instead. */
export function reasonOf(reply: ControlReply): string {
  try {
    return errorBody.parse(JSON.parse(reply.body)).Error;
  } catch {
    return reply.body.slice(0, 200);
  }
}

async function collect(incoming: IncomingMessage, what: string): Promise<ControlReply> {
  return {
    status: incoming.statusCode ?? 0,
    headers: incoming.headers,
    body: (await readBounded(incoming, what)).toString("utf8"),
  };
}

class StreamAgent extends Agent {
  readonly #connect: ConnectControl;

  constructor(connect: ConnectControl) {
    super({ keepAlive: true, maxSockets: 2 });
    this.#connect = connect;
  }

  override createConnection(
    _options: unknown,
    callback?: (error: Error | null, stream: Duplex) => void,
  ): undefined {
    this.#connect().then(
      (stream) => callback?.(null, asSocket(stream)),
      (error: unknown) => callback?.(error as Error, undefined as never),
    );
    return undefined;
  }
}
