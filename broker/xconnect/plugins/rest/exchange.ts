import type { HttpVersion, RequestHead } from "../../../shared/protocols/http1/request-head.ts";
import type { ResponseEvent } from "../../../shared/protocols/http1/response-parser.ts";
import type { WrittenHead } from "./heads.ts";

type AnswerHead = Extract<ResponseEvent, { type: "head" }>;

/** A request that has passed, until its answer is complete. */
export class RestExchange {
  readonly method: string;
  readonly version: HttpVersion;
  #isLast: boolean;
  /** The consumer may wait for 100 before it sends its body, and has had no reason to begin. */
  #awaitsContinue: boolean;
  #isAnswered = false;
  #hasSwitched = false;

  constructor({ method, version }: RequestHead, { isLast, expects }: WrittenHead) {
    this.method = method;
    this.version = version;
    this.#isLast = isLast;
    this.#awaitsContinue = expects;
  }

  /** The connection ends behind the answer, whatever the provider would like. */
  get isLast(): boolean {
    return this.#isLast;
  }

  /** A byte of the answer proper has gone to the consumer. */
  get isAnswered(): boolean {
    return this.#isAnswered;
  }

  /** The provider has changed the protocol: what it sends from there on is no answer. */
  get hasSwitched(): boolean {
    return this.#hasSwitched;
  }

  switches(): void {
    this.#isAnswered = true;
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
  answers({ interim, head }: AnswerHead, hasBody: boolean): boolean {
    if (interim) {
      if (head.status === 100) this.#awaitsContinue = false;
      return false;
    }
    this.#isAnswered = true;
    const isAbandoned = this.#awaitsContinue && hasBody;
    if (isAbandoned) this.#isLast = true;
    return isAbandoned;
  }
}
