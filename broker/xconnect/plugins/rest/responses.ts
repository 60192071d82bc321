import type { ResponseHead } from "../../../shared/protocols/http1/response-head.ts";
import { ResponseParser } from "../../../shared/protocols/http1/response-parser.ts";
import type { Expected, ResponseEvent } from "../../../shared/protocols/http1/response-parser.ts";
import type { Framing } from "../../../shared/protocols/http1/framing.ts";
import { RestResponseHeads, trailersForConsumer } from "./response-heads.ts";
import { brokerResponse } from "./broker-response.ts";
import type { RestReport } from "./report.ts";
import type { RestState, RestActions } from "./state.ts";

const NO_BODY: Framing = { kind: "none" };

export interface RestResponsesOptions {
  readonly report: RestReport;
  readonly actions: RestActions;
}

/** From the provider to the consumer: the bytes of responses, as they are where they are plain. */
export class RestResponses {
  readonly #state: RestState;
  readonly #options: RestResponsesOptions;
  readonly #parser = new ResponseParser(trailersForConsumer);
  readonly #heads = new RestResponseHeads();

  constructor(state: RestState, options: RestResponsesOptions) {
    this.#state = state;
    this.#options = options;
  }

  /** A request is about to be sent. */
  expect(request: Expected): void {
    this.#parser.expect(request);
  }

  /** Raw bytes that are left after a change of the protocol. */
  rest(): Buffer | undefined {
    return this.#parser.rest();
  }

  /** Take the provider's bytes. */
  pass(bytes: Buffer): void {
    if (this.#state.exchange?.hasSwitched === true) {
      this.#state.consumer.write(bytes);
      return;
    }
    this.#parser.push(bytes);
    for (let event = this.#parser.next(); event !== undefined; event = this.#parser.next()) {
      this.#onEvent(event);
    }
    this.#parser.keep();
  }

  /** The response that is owed will not come. */
  fail(reason: string): void {
    const { report, actions } = this.#options;
    report.noResponse(reason);
    const method = this.#state.exchange?.method;
    actions.finish(
      brokerResponse(502, `no response from the provider: ${reason}`, {
        method,
        connection: "close",
      }),
    );
  }

  #writeHead(head: ResponseHead, framing: Framing, bytes: Buffer): void {
    this.#state.consumer.write(this.#heads.write(head, framing, bytes, this.#parser.isPlain));
  }

  /** The consumer may still be sending its request: what it sends behind that is for the tunnel. */
  #switch(bytes: Buffer): void {
    const { consumer, exchange, upload } = this.#state;
    const { lastHead } = this.#parser;
    if (lastHead !== undefined) this.#writeHead(lastHead, NO_BODY, bytes);
    exchange?.switches();
    if (upload === undefined) {
      this.#options.actions.openTunnel();
      return;
    }
    const rest = this.#parser.rest();
    if (rest !== undefined) consumer.write(rest);
  }

  #onEvent(event: ResponseEvent): void {
    const { consumer, exchange, upload } = this.#state;
    const { actions } = this.#options;
    if (this.#state.phase === "over") return;
    switch (event.type) {
      case "head":
        if (exchange?.version === "1.0" && event.framing.kind === "chunked") {
          this.fail("it sends chunks, which HTTP/1.0 does not know");
          return;
        }
        if (exchange?.onHead(event, upload !== undefined) === true) upload?.refuse();
        // HTTP/1.0 knows no interim responses (RFC 9110 §15.2).
        if (event.interim && exchange?.version === "1.0") return;
        this.#writeHead(event.head, event.framing, event.bytes);
        return;
      case "switched":
        this.#switch(event.bytes);
        return;
      case "body":
        consumer.write(event.respelt ?? event.bytes);
        return;
      case "end":
        this.#state.exchange = undefined;
        if (!event.keepAlive || exchange?.isLast === true) actions.finish();
        return;
      case "refused":
        if (exchange?.hasResponded === false) this.fail(event.reason);
        else actions.finish();
    }
  }
}
