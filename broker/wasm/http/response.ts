import { BodyDecoder } from "../../shared/protocols/http1/body-decoder.ts";
import { responseFraming } from "../../shared/protocols/http1/framing.ts";
import { HeadReader } from "../../shared/protocols/http1/head-reader.ts";
import { Input } from "../../shared/protocols/http1/input.ts";
import { MAX_FIELDS, MAX_HEAD_BYTES } from "../../shared/protocols/http1/limits.ts";
import { staysOpen } from "../../shared/protocols/http1/persistence.ts";
import { parseResponseHead } from "../../shared/protocols/http1/response-head.ts";
import type { ResponseHead } from "../../shared/protocols/http1/response-head.ts";
import { HttpSyntaxError } from "../../shared/protocols/http1/syntax-error.ts";
import type { Connection } from "../connection.ts";
import { GuestErrno } from "../guest-errno.ts";

const LIMITS = { bytes: MAX_HEAD_BYTES, lines: MAX_FIELDS + 1, bareLineFeed: true };
/** Interim responses (1xx) before the one that counts. */
const MAX_INTERIM = 16;
const NOTHING = Buffer.alloc(0);

/** Facts about the request that decide how its response is read. */
export interface Sent {
  readonly method: string;
  /** False when the rest of it was not sent: nothing can follow on the connection. */
  readonly isWhole: boolean;
}

/** A response whose head has been read, and whose body is read as the guest asks for it. */
export class Response {
  readonly head: ResponseHead;
  readonly #connection: Connection;
  readonly #input: Input;
  readonly #body: BodyDecoder;
  readonly #untilClose: boolean;
  readonly #keepAlive: boolean;
  #held: Buffer = NOTHING;
  #ended = false;

  private constructor(connection: Connection, input: Input, head: ResponseHead, sent: Sent) {
    const framing = responseFraming(head, sent.method);
    this.head = head;
    this.#connection = connection;
    this.#input = input;
    this.#body = new BodyDecoder(framing, { isResponse: true });
    this.#untilClose = framing.kind === "until-close";
    this.#keepAlive = sent.isWhole && !this.#untilClose && staysOpen(head);
  }

  /**
   * Read a head.
   * @throws GuestErrno EPROTO, ECONNRESET, ETIMEDOUT, EINTR
   */
  static read(connection: Connection, sent: Sent, deadline: number): Response {
    return orProtocolError(() => {
      const input = new Input();
      const reader = new HeadReader(LIMITS);
      for (let interim = 0; interim <= MAX_INTERIM;) {
        const lines = reader.read(input);
        if (lines === undefined) {
          more(connection, input, deadline);
          continue;
        }
        const head = parseResponseHead(lines);
        if (head.status === 101) throw new GuestErrno("EPROTO");
        if (head.status >= 200) return new Response(connection, input, head, sent);
        interim += 1;
      }
      throw new GuestErrno("EPROTO");
    });
  }

  /** The connection, when it is ready for the next request. */
  get reusable(): Connection | undefined {
    const isIdle = this.#body.ended && this.#held.length === 0 && this.#input.length === 0;
    return isIdle && this.#keepAlive ? this.#connection : undefined;
  }

  /**
   * Bytes of the body, at most so many, on loan until the next call on any connection.
   * @returns none at its end
   */
  body(most: number, deadline: number): Buffer {
    return orProtocolError(() => {
      for (;;) {
        const bytes = this.#piece(most);
        if (bytes !== undefined) return bytes;
        if (this.#body.ended || this.#ended) return NOTHING;
        this.#more(deadline);
      }
    });
  }

  /** End its connection. */
  end(): void {
    this.#connection.close();
  }

  /** The decoder gives all that it has of a chunk: what the guest has no room for stays. */
  #piece(most: number): Buffer | undefined {
    const bytes = this.#held.length > 0 ? this.#held : this.#body.next(this.#input);
    if (bytes === undefined) return undefined;
    this.#held = bytes.length > most ? Buffer.from(bytes.subarray(most)) : NOTHING;
    return bytes.subarray(0, most);
  }

  #more(deadline: number): void {
    const bytes = this.#connection.receive(deadline);
    if (bytes.length > 0) {
      this.#input.push(bytes);
      this.#input.keep();
    } else if (this.#untilClose) this.#ended = true;
    else throw new GuestErrno("ECONNRESET");
  }
}

function more(connection: Connection, input: Input, deadline: number): void {
  const bytes = connection.receive(deadline);
  if (bytes.length === 0) throw new GuestErrno("ECONNRESET");
  input.push(bytes);
  input.keep();
}

function orProtocolError<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof HttpSyntaxError) throw new GuestErrno("EPROTO");
    throw error;
  }
}
