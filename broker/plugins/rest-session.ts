import { closeSync } from "node:fs";
import { together } from "../linux/gathered.ts";
import { PolledStream } from "../linux/polled-stream.ts";
import { streamLoop } from "../linux/stream-loop.ts";
import { carelessRequestFraming, requestFraming } from "../protocols/http1/framing.ts";
import type { Framing } from "../protocols/http1/framing.ts";
import { staysOpen } from "../protocols/http1/persistence.ts";
import type { HttpVersion, RequestHead } from "../protocols/http1/request-head.ts";
import { RequestParser } from "../protocols/http1/request-parser.ts";
import type { RequestEvent } from "../protocols/http1/request-parser.ts";
import { inOriginForm, pathSegments } from "../protocols/http1/request-target.ts";
import { ResponseParser } from "../protocols/http1/response-parser.ts";
import type { ResponseEvent } from "../protocols/http1/response-parser.ts";
import type { ConsumerConnection, Link, Toolbox } from "./plugin.ts";
import { brokerAnswer } from "./rest-answer.ts";
import { RestHeads, expectsContinue } from "./rest-heads.ts";
import { HEAD_TIMEOUT } from "./rest-limits.ts";
import { isAllowed } from "./rest-rules.ts";
import type { RestPolicy } from "./rest-rules.ts";
import { RestTimers } from "./rest-timers.ts";
import { RestUpload } from "./rest-upload.ts";

type AnswerHead = Extract<ResponseEvent, { type: "head" }>;

/** An answer that is owed to the consumer. */
interface Exchange {
  readonly method: string;
  readonly version: HttpVersion;
  /** The connection ends behind the answer, whatever the provider would like. */
  isLast: boolean;
  /** The consumer may wait for 100 before it sends its body, and has had no reason to begin. */
  awaitsContinue: boolean;
  /** A byte of the answer proper has gone to the consumer. */
  answered: boolean;
}

/**
 * One consumer connection and the one provider connection it gets with its first request.
 *
 * Consumer and provider are both hostile. Requests pass one at a time: a pipelined one waits
 * until the answer before it is complete. So an answer can never be taken for another
 * request's, and memory is bounded by one read of each socket. The answer's bytes are passed
 * on as they are.
 *
 *     http ─▶ tunnel (101 to an allowed Upgrade)        both ─▶ over (last bytes, linger)
 *
 * A consumer that half-closes still gets its answer: the provider is told only afterwards,
 * since HTTP servers commonly drop a request whose sender has closed. A consumer that closes
 * for good ends the session at once, even while the provider is silent.
 *
 * Nothing here waits: each event of a socket is dealt with to its end before the next.
 */
export class RestSession {
  readonly #link: Link;
  readonly #policy: RestPolicy;
  readonly #tools: Toolbox;
  readonly #signal: AbortSignal;
  readonly #consumer: PolledStream;
  readonly #requests: RequestParser;
  readonly #heads: RestHeads;
  readonly #responses = new ResponseParser();
  readonly #finished = Promise.withResolvers<undefined>();
  #phase: "http" | "tunnel" | "over" = "http";
  #provider: PolledStream | undefined;
  #connecting = false;
  #upload: RestUpload | undefined;
  #exchange: Exchange | undefined;
  readonly #timers = new RestTimers();
  /** Requests whose head has been read, refused ones included. */
  #asked = 0;

  /** @throws SystemCallError EMFILE */
  constructor(link: Link, policy: RestPolicy, consumer: ConsumerConnection, tools: Toolbox) {
    this.#link = link;
    this.#policy = policy;
    this.#tools = tools;
    this.#signal = consumer.signal;
    this.#heads = new RestHeads({
      identity: { client: link.consumer, role: link.role },
      upgrade: policy.upgrade,
      quirks: tools.quirks,
    });
    this.#requests = new RequestParser(
      tools.quirks.has("rest-smuggling", "rest") ? carelessRequestFraming : requestFraming,
    );
    this.#consumer = new PolledStream(consumer.take(), {
      onReadable: () => this.#step(() => this.#readConsumer()),
      onDrained: () => this.#step(() => this.#consumerDrained()),
      onGone: () => this.#step(() => this.#finish()),
    });
  }

  /** Resolves when both connections are closed; never rejects. */
  async run(): Promise<void> {
    const destroy = () => this.#destroy();
    this.#signal.addEventListener("abort", destroy, { once: true });
    if (this.#signal.aborted) this.#destroy();
    else this.#watchIdle();
    await this.#finished.promise;
    this.#signal.removeEventListener("abort", destroy);
  }

  /** Deal with one event; whatever goes wrong ends this session and nothing else. */
  #step(work: () => void): void {
    try {
      together(work);
    } catch (error) {
      this.#tools.warn(`pvx-rest: ${this.#link.consumer}/${this.#link.name}: ${String(error)}`);
      this.#destroy();
    }
    this.#settle();
  }

  #settle(): void {
    if (this.#phase !== "over" || this.#connecting) return;
    if (!this.#consumer.closed || this.#provider?.closed === false) return;
    this.#timers.stop();
    this.#finished.resolve(undefined);
    streamLoop().leave();
  }

  #destroy(): void {
    this.#phase = "over";
    this.#timers.forgetHead();
    this.#consumer.close();
    this.#provider?.close();
    this.#settle();
  }

  // ── from the consumer ──────────────────────────────────────────────────────────────────

  #readConsumer(): void {
    if (!this.#wantsConsumer()) {
      this.#consumer.pause();
      return;
    }
    const bytes = this.#consumer.read();
    if (bytes !== undefined) this.#onConsumerBytes(bytes);
    else if (this.#consumer.ended) this.#onConsumerEnd();
  }

  #wantsConsumer(): boolean {
    switch (this.#phase) {
      case "http":
        // While an answer is awaited, one read ahead: it shows a consumer that has ended.
        return (
          this.#wantsRequest() || (this.#upload === undefined && this.#requests.position === "idle")
        );
      case "tunnel":
        return this.#provider?.stalled !== true;
      case "over":
        return true;
    }
  }

  /** Whether the next part of a request may be looked at. */
  #wantsRequest(): boolean {
    if (this.#phase !== "http" || this.#connecting || this.#provider?.stalled === true)
      return false;
    if (this.#upload !== undefined) return true;
    // The answer before, and answers of our own that the consumer does not read, come first.
    return this.#exchange === undefined && !this.#consumer.stalled;
  }

  #onConsumerBytes(bytes: Buffer): void {
    if (this.#phase === "over") {
      this.#timers.putOffLinger();
      return;
    }
    this.#tools.count(this.#link, "bytesFromConsumer", bytes.length);
    if (this.#phase === "tunnel") {
      this.#provider?.write(bytes);
      return;
    }
    this.#requests.push(bytes);
    this.#passRequests();
  }

  #onConsumerEnd(): void {
    if (this.#phase === "over") this.#consumer.closeSoon();
    else if (this.#tools.quirks.has("early-close", "rest")) this.#finish();
    else if (this.#phase === "http") this.#passRequests();
    else if (this.#provider?.ended === true) this.#finish();
    else this.#provider?.end();
  }

  #passRequests(): void {
    while (this.#wantsRequest()) {
      const event = this.#requests.next();
      if (event === undefined) break;
      this.#onRequestEvent(event);
    }
    this.#requests.keep();
    if (this.#wantsConsumer()) this.#consumer.resume();
    if (!this.#wantsRequest()) this.#timers.forgetHead();
    else if (this.#consumer.ended) this.#onRequestsEnd();
    else this.#watchHead();
  }

  #onRequestEvent(event: RequestEvent): void {
    switch (event.type) {
      case "head":
        this.#onHead(event);
        return;
      case "data":
        if (this.#exchange !== undefined) this.#exchange.awaitsContinue = false;
        this.#upload?.pass(event.bytes, this.#provider);
        return;
      case "end":
        this.#upload?.end(event.trailers, this.#provider);
        this.#upload = undefined;
        return;
      case "refused":
        if (event.part === "head") this.#refuse(event.status, event.reason);
        else this.#refuseBody(event.status, event.reason);
    }
  }

  #onRequestsEnd(): void {
    if (this.#requests.position === "head") {
      this.#refuse(400, "the request ends within its head");
    } else if (this.#upload !== undefined && this.#exchange !== undefined) {
      // A body that was cut off: only the end of the stream tells the provider.
      this.#provider?.end();
    } else {
      this.#finish();
    }
  }

  #onHead({ head: asSent, framing }: Extract<RequestEvent, { type: "head" }>): void {
    this.#tools.count(this.#link, "requests");
    this.#asked += 1;
    const { method, version } = asSent;
    if (method === "CONNECT") {
      this.#refuse(405, "CONNECT is not offered", method);
      return;
    }
    const head = inOriginForm(asSent);
    const verdict = head === undefined ? "ambiguous" : this.#judge(head);
    if (head === undefined || verdict === "ambiguous") {
      this.#refuse(400, "the request target is malformed", method);
      return;
    }
    if (verdict === "denied") {
      this.#deny(head, framing);
      return;
    }
    const { text, upgrade, isLast, expects } = this.#heads.write(head, framing);
    this.#exchange = { method, version, isLast, awaitsContinue: expects, answered: false };
    this.#upload = this.#uploadOf(head, framing);
    this.#responses.expect({ method, upgrade });
    if (this.#provider === undefined) void this.#connect(text);
    else this.#provider.writeText(text);
  }

  #judge({ method, target }: RequestHead): "allowed" | "denied" | "ambiguous" {
    if (this.#policy.ruleLists.length === 0) return "allowed";
    if (this.#tools.quirks.has("rest-rules-ignored", "rest")) return "allowed";
    const segments = pathSegments(target);
    if (segments === undefined) return "ambiguous";
    return isAllowed(this.#policy, method, segments) ? "allowed" : "denied";
  }

  /** 403; the connection goes on where it is clear what follows on it. */
  #deny(head: RequestHead, framing: Framing): void {
    const { method, version } = head;
    this.#reject(403, "this request is not allowed by the link's rules");
    const answer = (connection: "close" | "keep-alive" | undefined) =>
      brokerAnswer(403, "this request is not allowed by the link's rules", { method, connection });
    if (!staysOpen(head) || expectsContinue(head)) {
      this.#finish(answer("close"));
      return;
    }
    this.#consumer.write(answer(version === "1.0" ? "keep-alive" : undefined));
    this.#upload = this.#uploadOf(head, framing, true);
  }

  #uploadOf({ fields }: RequestHead, framing: Framing, isRefused = false): RestUpload {
    return new RestUpload({ framing, fields, isRefused, quirks: this.#tools.quirks });
  }

  // ── from the provider ──────────────────────────────────────────────────────────────────

  /** Sets the provider, or tells the consumer that there is none. */
  async #connect(head: string): Promise<void> {
    this.#connecting = true;
    streamLoop().leave();
    let fd: number | undefined;
    try {
      fd = await this.#tools.dialProvider(this.#link, { signal: this.#signal });
    } catch {
      fd = undefined;
    }
    this.#connecting = false;
    this.#step(() => {
      if (this.#phase === "over") {
        if (fd !== undefined) closeSync(fd);
      } else if (fd === undefined) {
        this.#badGateway("it cannot be reached");
      } else {
        this.#provider = new PolledStream(fd, {
          onReadable: () => this.#step(() => this.#readProvider()),
          onDrained: () => this.#step(() => this.#providerDrained()),
          onGone: () => this.#step(() => this.#providerGone()),
        });
        this.#provider.writeText(head);
        this.#passRequests();
      }
    });
  }

  #readProvider(): void {
    const provider = this.#provider;
    if (provider === undefined) return;
    if (this.#phase === "over" || this.#consumer.stalled) {
      provider.pause();
      return;
    }
    const bytes = provider.read();
    if (bytes !== undefined) this.#onProviderBytes(bytes);
    else if (provider.ended) this.#onProviderEnd(provider);
  }

  #onProviderBytes(bytes: Buffer): void {
    this.#tools.count(this.#link, "bytesToConsumer", bytes.length);
    if (this.#phase === "tunnel") {
      this.#consumer.write(bytes);
      return;
    }
    this.#responses.push(bytes);
    for (let event = this.#responses.next(); event !== undefined; event = this.#responses.next()) {
      this.#onResponseEvent(event);
    }
    this.#responses.keep();
    // The next request may be here already.
    if (this.#exchange === undefined) this.#passRequests();
  }

  #onResponseEvent(event: ResponseEvent): void {
    switch (event.type) {
      case "head":
        if (this.#exchange !== undefined) this.#onAnswerHead(this.#exchange, event);
        // HTTP/1.0 knows no interim answers (RFC 9110 §15.2).
        if (event.interim && this.#exchange?.version === "1.0") return;
        this.#consumer.write(event.bytes);
        return;
      case "switched":
        this.#consumer.write(event.bytes);
        this.#openTunnel();
        return;
      case "body":
        this.#consumer.write(event.bytes);
        return;
      case "end":
        if (!event.keepAlive || this.#exchange?.isLast === true) this.#finish();
        this.#exchange = undefined;
        return;
      case "refused":
        if (this.#exchange?.answered === false) this.#badGateway(event.reason);
        else this.#finish();
    }
  }

  #onAnswerHead(exchange: Exchange, { interim, head }: AnswerHead): void {
    if (interim) {
      if (head.status === 100) exchange.awaitsContinue = false;
      return;
    }
    exchange.answered = true;
    if (!exchange.awaitsContinue || this.#upload === undefined) return;
    // A provider that does not wait for the body any more would take it for requests, with an
    // identity of the consumer's choice.
    this.#upload.refuse();
    exchange.isLast = true;
  }

  #onProviderEnd(provider: PolledStream): void {
    if (this.#exchange?.answered === false) {
      this.#badGateway("it closed before it answered");
    } else if (this.#tools.quirks.has("no-half-close", "rest")) {
      return;
    } else if (this.#phase === "tunnel" && !this.#consumer.ended && !provider.gone) {
      this.#consumer.end();
    } else {
      this.#finish();
    }
  }

  /** Told when it is not being read from: an answer that waits for the consumer is read later. */
  #providerGone(): void {
    if (this.#phase === "tunnel" && this.#provider?.ended === true) this.#finish();
  }

  /** Bytes both ways from here on; the parsers' rests first. */
  #openTunnel(): void {
    this.#phase = "tunnel";
    this.#exchange = undefined;
    this.#timers.forgetHead();
    const answered = this.#responses.rest();
    if (answered !== undefined) this.#consumer.write(answered);
    const asked = this.#requests.rest();
    if (asked !== undefined) this.#provider?.write(asked);
    if (this.#consumer.ended) this.#provider?.end();
    else this.#consumer.resume();
  }

  // ── backpressure ───────────────────────────────────────────────────────────────────────

  #consumerDrained(): void {
    this.#provider?.resume();
    if (this.#phase === "http") this.#passRequests();
    if (this.#phase === "over") this.#linger();
  }

  #providerDrained(): void {
    if (this.#phase === "over") return;
    this.#consumer.resume();
    if (this.#phase === "http") this.#passRequests();
  }

  // ── ends ───────────────────────────────────────────────────────────────────────────────

  /** Answer a request whose head must not pass, and close. */
  #refuse(status: number, reason: string, method?: string): void {
    this.#reject(status, reason);
    this.#finish(brokerAnswer(status, reason, { method, connection: "close" }));
  }

  /** The head has passed already: the provider sees its request break off. */
  #refuseBody(status: number, reason: string): void {
    this.#reject(status, reason);
    // An answer that has begun cannot be taken back, and one that is complete was the answer.
    const { answered = true, method } = this.#exchange ?? {};
    const answer = () => brokerAnswer(status, reason, { method, connection: "close" });
    this.#finish(answered ? undefined : answer());
  }

  #reject(status: number, reason: string): void {
    const { name, consumer } = this.#link;
    this.#tools.count(this.#link, "rejections");
    this.#tools.count(this.#link, `rejections.${status}`);
    this.#tools.warn(
      `pvx-rest: Refused a request for service ${name} from ${consumer}: ${status} ${reason}`,
    );
  }

  #badGateway(reason: string): void {
    const { name, provider } = this.#link;
    this.#tools.count(this.#link, "rejections.502");
    this.#tools.warn(`pvx-rest: No answer for service ${name} from ${provider}: ${reason}`);
    const method = this.#exchange?.method;
    this.#finish(
      brokerAnswer(502, `no answer from the provider: ${reason}`, { method, connection: "close" }),
    );
  }

  /** The consumer gets its last bytes and EOF; the provider what is on its way, and EOF. */
  #finish(lastAnswer?: Buffer): void {
    if (this.#phase === "over") {
      this.#consumer.closeSoon();
      return;
    }
    this.#phase = "over";
    this.#timers.forgetHead();
    if (lastAnswer !== undefined) this.#consumer.write(lastAnswer);
    this.#consumer.end();
    this.#provider?.closeSoon();
    if (this.#provider?.closed === false) {
      this.#timers.limitDrain(() => this.#step(() => this.#provider?.close()));
    }
    this.#linger();
  }

  /**
   * A consumer that still sends is not closed at once: it would be told of its broken
   * connection before it reads the answer. The time begins when the kernel has the last byte,
   * so a slow reader still gets all of a long answer.
   */
  #linger(): void {
    if (this.#consumer.ended || this.#consumer.gone) {
      this.#consumer.closeSoon();
      return;
    }
    this.#consumer.resume();
    if (this.#consumer.stalled) return;
    this.#timers.linger(() => this.#step(() => this.#consumer.close()));
  }

  // ── time limits ────────────────────────────────────────────────────────────────────────

  /** Limit the time for the head that has begun, if one has. */
  #watchHead(): void {
    if (this.#requests.position !== "head") {
      this.#timers.forgetHead();
      return;
    }
    if (this.#tools.quirks.has("rest-no-header-timeout", "rest")) return;
    this.#timers.watchHead(() => {
      this.#step(() => this.#refuse(408, `no complete request head within ${HEAD_TIMEOUT} ms`));
    });
  }

  #watchIdle(): void {
    const requests = () => {
      const isIdle = this.#phase === "http" && !this.#connecting && this.#exchange === undefined;
      const isSilent = this.#upload === undefined && this.#requests.position === "idle";
      return isIdle && isSilent ? this.#asked : undefined;
    };
    this.#timers.watchIdle(requests, () => this.#step(() => this.#finish()));
  }
}
