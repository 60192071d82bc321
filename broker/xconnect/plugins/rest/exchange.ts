import type { HttpVersion, RequestHead } from "../../../shared/protocols/http1/request-head.ts";
import type { ResponseEvent } from "../../../shared/protocols/http1/response-parser.ts";
import type { WrittenHead } from "./heads.ts";

type HeadEvent = Extract<ResponseEvent, { type: "head" }>;

/** A request that has passed, until its response is complete. */
export class RestExchange {
  readonly method: string;
  readonly version: HttpVersion;
  #isLast: boolean;
  /** The consumer may wait for 100 before it sends its body, and has had no reason to begin. */
  #awaitsContinue: boolean;
  #hasResponded = false;
  #hasSwitched = false;

  constructor({ method, version }: RequestHead, { isLast, expects }: WrittenHead) {
    this.method = method;
    this.version = version;
    this.#isLast = isLast;
    this.#awaitsContinue = expects;
  }

  /** The connection ends behind the response, whatever the provider would like. */
  get isLast(): boolean {
    return this.#isLast;
  }

  /** A byte of the response proper has gone to the consumer. */
  get hasResponded(): boolean {
    return this.#hasResponded;
  }

  /** The provider has changed the protocol: what it sends from there on is no response. */
  get hasSwitched(): boolean {
    return this.#hasSwitched;
  }

  switches(): void {
    this.#hasResponded = true;
    this.#hasSwitched = true;
  }

  bodyBegins(): void {
    this.#awaitsContinue = false;
  }

  /**
   * A head of the provider's has come, an interim one perhaps.
   * @param hasBody the request's end has not been read
   * @returns whether none of its body may pass any more: a provider that does not wait for it
   *          would take it for requests, with an identity of the consumer's choice
   */
  onHead({ interim, head }: HeadEvent, hasBody: boolean): boolean {
    if (interim) {
      if (head.status === 100) this.#awaitsContinue = false;
      return false;
    }
    this.#hasResponded = true;
    const isAbandoned = this.#awaitsContinue && hasBody;
    if (isAbandoned) this.#isLast = true;
    return isAbandoned;
  }
}
