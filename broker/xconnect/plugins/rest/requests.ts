import { requestFraming } from "../../../shared/protocols/http1/framing.ts";
import type { Framing } from "../../../shared/protocols/http1/framing.ts";
import { staysOpen } from "../../../shared/protocols/http1/persistence.ts";
import type { RequestHead } from "../../../shared/protocols/http1/request-head.ts";
import { RequestParser } from "../../../shared/protocols/http1/request-parser.ts";
import type { RequestEvent } from "../../../shared/protocols/http1/request-parser.ts";
import type { Expected } from "../../../shared/protocols/http1/response-parser.ts";
import type { Quirks } from "../../../shared/quirks/quirks.ts";
import { brokerResponse } from "./broker-response.ts";
import { BufferedUpload } from "./buffered-upload.quirk.ts";
import { carelessRequestFraming } from "../../../shared/protocols/http1/careless-framing.quirk.ts";
import { RestExchange } from "./exchange.ts";
import { RestHeads } from "./heads.ts";
import { expectsContinue } from "./identity.ts";
import type { RestIdentity } from "./identity.ts";
import { HEAD_TIMEOUT } from "./limits.ts";
import type { RestReport } from "./report.ts";
import type { RestPolicy } from "./rules.ts";
import type { RestState, RestActions } from "./state.ts";
import type { RestTimers } from "./timers.ts";
import { RestUpload } from "./upload.ts";
import { judgeRequest } from "./judge-request.ts";

export interface RestRequestsOptions {
  readonly identity: RestIdentity;
  readonly policy: RestPolicy;
  readonly quirks: Quirks;
  readonly report: RestReport;
  readonly timers: RestTimers;
  readonly actions: RestActions;
  /** A request is about to be sent. */
  readonly onRequest: (request: Expected) => void;
  /** Calls back with what it is given as one event of the session. */
  readonly step: (work: () => void) => void;
}

/**
 * From the consumer to the provider, one request at a time: a pipelined one is not looked at
 * until the response before it is complete.
 */
export class RestRequests {
  readonly #state: RestState;
  readonly #options: RestRequestsOptions;
  readonly #parser: RequestParser;
  readonly #heads: RestHeads;
  #count = 0;

  constructor(state: RestState, options: RestRequestsOptions) {
    this.#state = state;
    this.#options = options;
    const { identity, policy, quirks } = options;
    this.#heads = new RestHeads({ identity, upgrade: policy.upgrade, quirks });
    this.#parser = new RequestParser(
      quirks.has("rest-smuggling", "rest") ? carelessRequestFraming : requestFraming,
    );
  }

  /** How many heads have been read, those of refused requests included. */
  get count(): number {
    return this.#count;
  }

  /** True when no byte of a request is under way or waits. */
  get isIdle(): boolean {
    return this.#state.upload === undefined && this.#parser.position === "idle";
  }

  /** True when the consumer is to be read from. */
  get wantsBytes(): boolean {
    // While a response is awaited, one read ahead: it shows a consumer that has ended.
    return this.#wantsNext || this.isIdle;
  }

  /** True when the next part of a request may be looked at. */
  get #wantsNext(): boolean {
    const { phase, isConnecting, provider, consumer, upload, exchange } = this.#state;
    if (phase !== "http" || isConnecting || provider?.stalled === true) return false;
    if (upload !== undefined) return true;
    // The response before, and responses of our own that the consumer does not read, come first.
    return exchange === undefined && !consumer.stalled;
  }

  /** Take the consumer's bytes, which are borrowed until this returns. */
  push(bytes: Buffer): void {
    this.#parser.push(bytes);
    this.pass();
  }

  /** Raw bytes that are left, for a connection that changes its protocol. */
  rest(): Buffer | undefined {
    return this.#parser.rest();
  }

  /** Pass what may be passed now; to be called when that has become more. */
  pass(): void {
    while (this.#wantsNext) {
      const event = this.#parser.next();
      if (event === undefined) break;
      this.#onEvent(event);
    }
    this.#parser.keep();
    if (this.wantsBytes) this.#state.consumer.resume();
    if (!this.#wantsNext) this.#options.timers.forgetHead();
    else if (this.#state.consumer.ended) this.#onEnd();
    else this.#watchHead();
  }

  #onEvent(event: RequestEvent): void {
    const { exchange, upload, provider } = this.#state;
    switch (event.type) {
      case "head":
        this.#onHead(event.head, event.framing);
        return;
      case "data":
        exchange?.bodyBegins();
        upload?.pass(event.bytes, provider);
        return;
      case "end":
        upload?.end(event.trailers, provider);
        this.#state.upload = undefined;
        // The protocol changes behind the request (RFC 9110 §7.8).
        if (exchange?.hasSwitched === true) this.#options.actions.openTunnel();
        return;
      case "refused":
        if (event.part === "head") this.#refuse(event.status, event.reason);
        else this.#refuseBody(event.status, event.reason);
    }
  }

  #onHead(asSent: RequestHead, framing: Framing): void {
    const { policy, quirks, report, actions, onRequest } = this.#options;
    report.request();
    this.#count += 1;
    const head = judgeRequest(asSent, policy, quirks);
    if ("refusal" in head) {
      report.judged(asSent, head);
      if (head.refusal === 403) this.#deny(asSent, framing, head.reason);
      else this.#refuse(head.refusal, head.reason, asSent.method);
      return;
    }
    report.judged(asSent);
    const written = this.#heads.write(head, framing);
    this.#state.exchange = new RestExchange(head, written);
    this.#state.upload = this.#uploadOf(head, framing);
    onRequest({ method: head.method, upgrade: written.upgrade });
    if (this.#state.provider === undefined) actions.connect(written.text);
    else this.#state.provider.writeText(written.text);
  }

  /** The connection goes on where it is clear what follows on it. */
  #deny(head: RequestHead, framing: Framing, reason: string): void {
    const { method, version } = head;
    this.#options.report.refused(403, reason);
    const response = (connection: "close" | "keep-alive" | undefined) =>
      brokerResponse(403, reason, { method, connection });
    if (!staysOpen(head) || expectsContinue(head.fields)) {
      this.#options.actions.finish(response("close"));
      return;
    }
    this.#state.consumer.write(response(version === "1.0" ? "keep-alive" : undefined));
    this.#state.upload = this.#uploadOf(head, framing, true);
  }

  #uploadOf({ fields }: RequestHead, framing: Framing, isRefused = false): RestUpload {
    const { quirks } = this.#options;
    const kind = quirks.has("rest-buffers-body", "rest") ? BufferedUpload : RestUpload;
    return new kind({ framing, fields, isRefused, quirks });
  }

  #onEnd(): void {
    const { upload, exchange, provider } = this.#state;
    if (this.#parser.position === "head") {
      this.#refuse(400, "the request ends within its head");
    } else if (upload !== undefined && exchange !== undefined) {
      // A body that was cut off: only the end of the stream tells the provider.
      if (exchange.hasSwitched && provider?.ended === true) this.#options.actions.finish();
      else provider?.end();
    } else {
      this.#options.actions.finish();
    }
  }

  /** Answer a request whose head must not pass, and close. */
  #refuse(status: number, reason: string, method?: string): void {
    this.#options.report.refused(status, reason);
    this.#options.actions.finish(brokerResponse(status, reason, { method, connection: "close" }));
  }

  /** The head has passed already: the provider sees its request break off. */
  #refuseBody(status: number, reason: string): void {
    const { exchange } = this.#state;
    // A response that has begun cannot be taken back, and one that is complete was the response.
    if (exchange !== undefined && !exchange.hasResponded) {
      this.#refuse(status, reason, exchange.method);
      return;
    }
    this.#options.report.refused(status, reason);
    this.#options.actions.finish();
  }

  /** Limit the time for the head that has begun, if one has. */
  #watchHead(): void {
    const { timers, quirks, step } = this.#options;
    if (this.#parser.position !== "head") {
      timers.forgetHead();
      return;
    }
    if (quirks.has("rest-no-header-timeout", "rest")) return;
    timers.watchHead(() => {
      step(() => this.#refuse(408, `no complete request head within ${HEAD_TIMEOUT} ms`));
    });
  }
}
