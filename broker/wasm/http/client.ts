import type { Field } from "../../shared/protocols/http1/fields.ts";
import { fieldsText } from "../../shared/protocols/http1/request-head.ts";
import type { GuestService } from "../../shared/formats/wasm-guest.ts";
import type { Quirks } from "../../shared/quirks/quirks.ts";
import { Connection, deadlineIn } from "../connection.ts";
import { dial } from "../services.ts";
import { Response } from "./response.ts";

export interface Request {
  readonly method: string;
  readonly target: string;
  readonly fields: readonly Field[];
  readonly body: Buffer;
}

/** Methods whose requests say how long their body is even when there is none (RFC 9110 §8.6). */
const WITH_BODY: readonly string[] = ["POST", "PUT", "PATCH"];

/** Requests over the links of a guest, with one kept connection for each service. */
export class HttpClient {
  readonly #idle = new Map<string, Connection>();
  readonly #quirks: Quirks;

  constructor(quirks: Quirks) {
    this.#quirks = quirks;
  }

  /**
   * Send a request and read the head of its response.
   * @throws GuestErrno
   */
  request(service: GuestService, request: Request, milliseconds: number): Response {
    const deadline = deadlineIn(milliseconds);
    const connection = this.#take(service) ?? new Connection(dial(service, deadline));
    try {
      const parts = [this.#text(request), ...(request.body.length > COPIED ? [request.body] : [])];
      // A provider may answer before it has taken the whole request, which then is not sent on.
      const isWhole = parts.every((part) => connection.send(part, deadline, () => false));
      return Response.read(connection, { method: request.method, isWhole }, deadline);
    } catch (error) {
      connection.close();
      throw error;
    }
  }

  /** The guest is done with a response: keep its connection, or end it. */
  release(service: GuestService, response: Response): void {
    const connection = response.reusable;
    if (connection === undefined || this.#idle.has(service.name)) response.end();
    else this.#idle.set(service.name, connection);
  }

  /** A kept connection on which nothing has come since: neither its end nor stray bytes. */
  #take({ name }: GuestService): Connection | undefined {
    const connection = this.#idle.get(name);
    if (connection === undefined) return undefined;
    this.#idle.delete(name);
    try {
      if (connection.receiveNow() === undefined) return connection;
    } catch {
      // The broker has reset it.
    }
    connection.close();
    return undefined;
  }

  /** The head, and a body that is short enough to go in the same system call. */
  #text({ method, target, fields, body }: Request): Buffer {
    const path = this.#quirks.has("wasm-other-api") ? `/wasm${target}` : target;
    const hasLength = body.length > 0 || WITH_BODY.includes(method);
    const length = hasLength ? `Content-Length: ${body.length}\r\n` : "";
    const line = `${method} ${path} HTTP/1.1\r\nHost: localhost\r\n${length}`;
    const head = Buffer.from(line + fieldsText(fields), "latin1");
    return body.length > COPIED ? head : Buffer.concat([head, body]);
  }
}

const COPIED = 16 * 1024;
