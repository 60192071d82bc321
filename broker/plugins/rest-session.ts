import type { Socket } from "node:net";
import { chunkBytes, lastChunkBytes } from "../protocols/http1/body-decoder.ts";
import type { Field } from "../protocols/http1/fields.ts";
import { carelessRequestFraming, requestFraming } from "../protocols/http1/framing.ts";
import { requestHeadBytes } from "../protocols/http1/request-head.ts";
import { RequestParser } from "../protocols/http1/request-parser.ts";
import type { RequestEvent } from "../protocols/http1/request-parser.ts";
import { ResponseParser } from "../protocols/http1/response-parser.ts";
import type { ResponseEvent } from "../protocols/http1/response-parser.ts";
import type { ConsumerConnection, Link, Toolbox } from "./plugin.ts";
import { brokerAnswer } from "./rest-answer.ts";
import { headForProvider, passableFields } from "./rest-identity.ts";
import { chunks, drained, write } from "./socket-chunks.ts";

/** Milliseconds a consumer has for a request head, from its first byte. */
const HEAD_TIMEOUT = 10_000;
/** Milliseconds a consumer has to take its last answer and close. */
const LINGER = 2_000;

/** An answer that is owed to the consumer. */
interface Exchange {
  readonly method: string;
  /** A byte of the answer proper has gone to the consumer. */
  answered: boolean;
  /** Settles when the answer is complete, or when there will be none. */
  readonly finished: PromiseWithResolvers<void>;
}

/** A request body on its way to the provider. */
interface Upload {
  readonly chunked: boolean;
  /** Fields of the consumer's head: they govern the trailers as well. */
  readonly fields: readonly Field[];
  /** Held back by the quirk rest-buffers-body. */
  readonly held: Buffer[];
}

/**
 * One consumer connection and the one provider connection it gets with its first request.
 *
 * Consumer and provider are both hostile. Requests pass one at a time: a pipelined one waits
 * in the consumer's socket until the answer before it is complete. So an answer can never be
 * taken for another request's, and memory is bounded by one read of each socket. The answer's
 * bytes are passed on as they are.
 *
 * A consumer that half-closes still gets its answer: the provider is told only afterwards,
 * since HTTP servers commonly drop a request whose sender has closed. A consumer that closes
 * entirely is noticed when the next byte is written to it.
 */
export class RestSession {
  readonly #link: Link;
  readonly #consumer: Socket;
  readonly #signal: AbortSignal;
  readonly #tools: Toolbox;
  readonly #requests: RequestParser;
  readonly #responses = new ResponseParser();
  #provider: Socket | undefined;
  #upload: Upload | undefined;
  #exchange: Exchange | undefined;
  #requestCount = 0;
  #headTimer: NodeJS.Timeout | undefined;
  /** The consumer has been given its last byte; what it still sends is discarded. */
  #over = false;

  constructor(link: Link, consumer: ConsumerConnection, tools: Toolbox) {
    this.#link = link;
    this.#consumer = consumer.socket;
    this.#signal = consumer.signal;
    this.#tools = tools;
    this.#requests = new RequestParser(
      tools.quirks.has("rest-smuggling", "rest") ? carelessRequestFraming : requestFraming,
    );
  }

  /** Resolves when the consumer connection is closed; never rejects. */
  async run(): Promise<void> {
    const destroy = () => {
      this.#over = true;
      this.#consumer.destroy();
      this.#provider?.destroy();
      this.#exchange?.finished.resolve();
    };
    this.#consumer.on("error", destroy).on("close", destroy);
    this.#signal.addEventListener("abort", destroy, { once: true });
    try {
      if (this.#signal.aborted) destroy();
      await this.#passRequests();
    } catch {
      // A socket failed under its iterator: there is nobody left to tell.
      destroy();
    } finally {
      this.#forgetHead();
      this.#signal.removeEventListener("abort", destroy);
    }
  }

  async #passRequests(): Promise<void> {
    for await (const chunk of chunks(this.#consumer)) {
      await this.#passChunk(chunk);
      this.#watchHead();
    }
    if (this.#tools.quirks.has("early-close", "rest")) this.#finish();
    if (this.#requests.position === "head") {
      await this.#refuse(400, "the request ends within its head");
    }
    // A body that was cut off: only the end of the stream tells the provider.
    if (this.#requests.position === "body") this.#provider?.end();
    await this.#exchange?.finished.promise;
    this.#finish();
  }

  async #passChunk(chunk: Buffer): Promise<void> {
    for (const event of this.#requests.push(chunk)) {
      if (this.#over) return;
      await this.#onRequestEvent(event);
    }
  }

  /** Limit the time for the head that has begun, if one has. */
  #watchHead(): void {
    if (this.#requests.position !== "head" || this.#over) {
      this.#forgetHead();
      return;
    }
    if (this.#tools.quirks.has("rest-no-header-timeout", "rest")) return;
    this.#headTimer ??= setTimeout(() => {
      this.#forgetHead();
      // An answer that is still being sent is not cut for the sake of the next request.
      if (this.#exchange !== undefined) this.#watchHead();
      else void this.#refuse(408, `no complete request head within ${HEAD_TIMEOUT} ms`);
    }, HEAD_TIMEOUT);
  }

  #forgetHead(): void {
    clearTimeout(this.#headTimer);
    this.#headTimer = undefined;
  }

  async #onRequestEvent(event: RequestEvent): Promise<void> {
    switch (event.type) {
      case "head":
        this.#forgetHead();
        await this.#exchange?.finished.promise;
        if (!this.#over) await this.#onHead(event);
        return;
      case "data":
        if (this.#tools.quirks.has("rest-buffers-body", "rest")) {
          this.#upload?.held.push(event.bytes);
        } else {
          await this.#sendBody([event.bytes]);
        }
        return;
      case "end":
        await this.#sendBody(this.#upload?.held ?? []);
        await this.#endBody(event.trailers);
        return;
      case "refused":
        if (event.part === "head") await this.#refuse(event.status, event.reason);
        else this.#refuseBody(event.status, event.reason);
    }
  }

  async #onHead({ head, framing }: Extract<RequestEvent, { type: "head" }>): Promise<void> {
    if (head.method === "CONNECT") {
      await this.#refuse(405, "CONNECT is not offered");
      return;
    }
    this.#exchange = {
      method: head.method,
      answered: false,
      finished: Promise.withResolvers(),
    };
    if (this.#provider === undefined) await this.#connect();
    if (this.#provider === undefined) return;
    this.#upload = { chunked: framing.kind === "chunked", fields: head.fields, held: [] };
    this.#responses.expect(head.method);
    const identity = { client: this.#link.consumer, role: this.#link.role };
    const index = this.#requestCount++;
    await this.#send([
      requestHeadBytes(headForProvider(head, framing, identity, index, this.#tools.quirks)),
    ]);
  }

  async #sendBody(pieces: readonly Buffer[]): Promise<void> {
    await this.#send(this.#upload?.chunked === true ? pieces.flatMap(chunkBytes) : pieces);
  }

  async #endBody(trailers: readonly Field[]): Promise<void> {
    const upload = this.#upload;
    this.#upload = undefined;
    if (upload?.chunked !== true) return;
    await this.#send([lastChunkBytes(passableFields(trailers, upload.fields, this.#tools.quirks))]);
  }

  async #send(pieces: readonly Buffer[]): Promise<void> {
    if (this.#provider === undefined) return;
    write(this.#provider, ...pieces);
    await drained(this.#provider);
  }

  /** Sets the provider, or tells the consumer that there is none. */
  async #connect(): Promise<void> {
    let provider: Socket;
    try {
      provider = await this.#tools.connectProvider(this.#link, { signal: this.#signal });
    } catch {
      this.#badGateway("it cannot be reached");
      return;
    }
    provider.on("error", () => undefined); // "close" follows and ends the response loop
    if (this.#over) {
      provider.destroy();
      return;
    }
    this.#provider = provider;
    void this.#passResponses(provider);
  }

  async #passResponses(provider: Socket): Promise<void> {
    try {
      for await (const chunk of chunks(provider)) {
        this.#consumer.cork();
        for (const event of this.#responses.push(chunk)) this.#onResponseEvent(event);
        this.#consumer.uncork();
        if (this.#over) return;
        await drained(this.#consumer);
      }
    } catch {
      // Reset by the provider: to the consumer that is the same as a close.
    }
    if (this.#exchange?.answered === false) this.#badGateway("it closed before it answered");
    else if (!this.#tools.quirks.has("no-half-close", "rest")) this.#finish();
  }

  #onResponseEvent(event: ResponseEvent): void {
    switch (event.type) {
      case "head":
        if (!event.interim && this.#exchange !== undefined) this.#exchange.answered = true;
        write(this.#consumer, event.bytes);
        return;
      case "body":
        write(this.#consumer, event.bytes);
        return;
      case "end":
        this.#exchange?.finished.resolve();
        this.#exchange = undefined;
        if (!event.keepAlive) this.#finish();
        return;
      case "refused":
        if (this.#exchange?.answered === false) this.#badGateway(event.reason);
        else this.#finish();
    }
  }

  /** Answer a request whose head must not pass, after the answers before it, and close. */
  async #refuse(status: number, reason: string): Promise<void> {
    await this.#exchange?.finished.promise;
    if (this.#over) return;
    this.#warnRefused(status, reason);
    this.#finish(brokerAnswer(status, reason));
  }

  /** The head has passed already: the provider sees its request break off. */
  #refuseBody(status: number, reason: string): void {
    if (this.#over) return;
    this.#warnRefused(status, reason);
    this.#provider?.destroy();
    // An answer that has begun cannot be taken back, and one that is complete was the answer.
    this.#finish(this.#exchange?.answered === false ? brokerAnswer(status, reason) : undefined);
  }

  #warnRefused(status: number, reason: string): void {
    const { name, consumer } = this.#link;
    this.#tools.warn(
      `pvx-rest: Refused a request for service ${name} from ${consumer}: ${status} ${reason}`,
    );
  }

  #badGateway(reason: string): void {
    if (this.#over) return;
    const { name, provider } = this.#link;
    this.#tools.warn(`pvx-rest: No answer for service ${name} from ${provider}: ${reason}`);
    this.#finish(
      brokerAnswer(502, `no answer from the provider: ${reason}`, this.#exchange?.method),
    );
  }

  /** The consumer gets its last bytes and EOF; the provider what is on its way, and EOF. */
  #finish(lastAnswer?: Buffer): void {
    if (this.#over) return;
    this.#over = true;
    if (lastAnswer !== undefined) write(this.#consumer, lastAnswer);
    // The time limit begins when the consumer's kernel has the last byte: a slow reader still
    // gets all of a long answer.
    this.#consumer.end(() => {
      const linger = setTimeout(() => this.#consumer.destroy(), LINGER);
      this.#consumer.once("close", () => clearTimeout(linger));
    });
    this.#provider?.destroySoon();
    this.#exchange?.finished.resolve();
  }
}
