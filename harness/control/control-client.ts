import { Agent, request } from "node:http";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type * as z from "zod";
import {
  containersBody,
  daemonsBody,
  errorBody,
  groupsBody,
} from "../../broker/formats/control.ts";
import type { ContainerBody, DaemonBody, GroupBody } from "../../broker/formats/control.ts";
import { parseGraph } from "../../broker/formats/graph.ts";
import type { GraphEntry } from "../../broker/formats/graph.ts";
import { PvhError } from "../errors.ts";
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
  /** Deadline in milliseconds for the whole exchange; default 5,000. */
  readonly timeout?: number;
}

export type ContainerAction = "start" | "stop" | "restart";
export type DaemonAction = "start" | "stop";

/**
 * Typed client of pv-ctrl. Bodies are checked against the schemas of broker/formats.
 *
 * It talks over exec streams because pv-ctrl tells callers apart by pid: a request has to
 * come from inside the appengine. The stream is kept alive between requests.
 */
export class ControlClient {
  readonly #agent: Agent;

  constructor(connect: ConnectControl) {
    this.#agent = new StreamAgent(connect);
  }

  /**
   * One exchange, whatever its status.
   * @throws PvhError PVH_CONTROL when there is no whole answer before the deadline
   */
  async send(method: string, path: string, options: ControlRequest = {}): Promise<ControlReply> {
    try {
      return await this.#exchange(method, path, options);
    } catch (error) {
      // The server may close an idle connection just as it is used again.
      const code = error instanceof Error && "code" in error ? error.code : undefined;
      if ((code !== "ECONNRESET" && code !== "EPIPE") || method !== "GET")
        throw this.#failed(method, path, error);
    }
    return this.#exchange(method, path, options).catch((error: unknown) => {
      throw this.#failed(method, path, error);
    });
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
    throw new PvhError("PVH_CONTROL", `GET ${path}: unexpected body: ${parsed.error.message}`);
  }

  #put(path: string, action: string, signal?: AbortSignal): Promise<ControlReply> {
    const body = JSON.stringify({ action });
    return this.send("PUT", path, { body, ...(signal && { signal }) });
  }

  #exchange(method: string, path: string, options: ControlRequest): Promise<ControlReply> {
    const deadline = AbortSignal.timeout(options.timeout ?? 5_000);
    const signal = options.signal ? AbortSignal.any([options.signal, deadline]) : deadline;
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
        if (unsent) this.#exchange(method, path, options).then(resolve, reject);
        else reject(error);
      });
      outgoing.once("response", (incoming) => {
        collect(incoming).then(resolve, reject);
      });
      outgoing.end(options.body);
    });
  }

  #failed(method: string, path: string, cause: unknown): PvhError {
    // Where the engine does not lead to pv-ctrl, nothing is known of pv-ctrl.
    if (cause instanceof PvhError && cause.class === "infra") return cause;
    const why =
      cause instanceof Error
        ? cause.name === "AbortError"
          ? "no answer in time"
          : cause.message
        : String(cause);
    return new PvhError("PVH_CONTROL", `${method} ${path}: ${why}`, { cause });
  }
}

/** The text of an {"Error": …} body, or the start of whatever came instead. */
export function reasonOf(reply: ControlReply): string {
  try {
    return errorBody.parse(JSON.parse(reply.body)).Error;
  } catch {
    return reply.body.slice(0, 200);
  }
}

async function collect(incoming: IncomingMessage): Promise<ControlReply> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  return {
    status: incoming.statusCode ?? 0,
    headers: incoming.headers,
    body: Buffer.concat(chunks).toString("utf8"),
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
