import type { StreamOwner } from "../../../shared/linux/polled-stream.ts";
import type { Expected } from "../../../shared/protocols/http1/response-parser.ts";
import { RestResponses } from "./responses.ts";
import { RestRequests } from "./requests.ts";
import type { RestRequestsOptions } from "./requests.ts";
import type { RestState } from "./state.ts";

export type RestHttpOptions = Omit<RestRequestsOptions, "onRequest">;

/**
 * A connection that speaks HTTP:
 *
 *     consumer ─▶ RestRequests ─▶ provider ─▶ RestResponses ─▶ consumer
 */
export class RestHttp {
  readonly #state: RestState;
  readonly #options: RestHttpOptions;
  readonly #requests: RestRequests;
  readonly #responses: RestResponses;

  constructor(state: RestState, options: RestHttpOptions) {
    this.#state = state;
    this.#options = options;
    const responses = (this.#responses = new RestResponses(state, options));
    const onRequest = (request: Expected) => responses.expect(request);
    this.#requests = new RestRequests(state, { ...options, onRequest });
  }

  /** Owner of the consumer's stream. */
  get consumerOwner(): StreamOwner {
    return {
      onReadable: () => this.#readConsumer(),
      onDrained: () => {
        this.#state.provider?.resume();
        this.#requests.pass();
      },
      onGone: () => this.#options.actions.finish(),
    };
  }

  /** Owner of the provider's stream. */
  get providerOwner(): StreamOwner {
    return {
      onReadable: () => this.#readProvider(),
      onDrained: () => {
        this.#state.consumer.resume();
        this.#requests.pass();
      },
      // A response that waits for the consumer is read later.
      onGone: () => {
        const { exchange, provider } = this.#state;
        if (exchange?.hasSwitched === true && provider?.ended === true)
          this.#options.actions.finish();
      },
    };
  }

  /** The provider that was asked for is there. */
  begin(head: string): void {
    this.#state.provider?.writeText(head);
    this.#requests.pass();
  }

  /** It is not. */
  fail(): void {
    this.#responses.fail("it cannot be reached");
  }

  /** How many requests there have been; undefined while anything is under way. */
  get countWhenIdle(): number | undefined {
    const { phase, isConnecting, exchange } = this.#state;
    const isIdle = phase === "http" && !isConnecting && exchange === undefined;
    return isIdle && this.#requests.isIdle ? this.#requests.count : undefined;
  }

  /** Bytes of the consumer and of the provider that are left when the protocol changes. */
  rests(): [asked: Buffer | undefined, answered: Buffer | undefined] {
    return [this.#requests.rest(), this.#responses.rest()];
  }

  #readConsumer(): void {
    const { consumer } = this.#state;
    if (!this.#requests.wantsBytes) {
      consumer.pause();
      return;
    }
    const bytes = consumer.read();
    if (bytes !== undefined) {
      this.#options.report.fromConsumer(bytes.length);
      this.#requests.push(bytes);
    } else if (consumer.ended) {
      if (this.#options.quirks.has("early-close", "rest")) this.#options.actions.finish();
      else this.#requests.pass();
    }
  }

  #readProvider(): void {
    const { consumer, provider } = this.#state;
    if (provider === undefined) return;
    if (consumer.stalled) {
      provider.pause();
      return;
    }
    const bytes = provider.read();
    if (bytes !== undefined) {
      this.#options.report.toConsumer(bytes.length);
      this.#responses.pass(bytes);
      // The next request may be here already.
      if (this.#state.exchange === undefined) this.#requests.pass();
    } else if (provider.ended) {
      this.#onProviderEnd();
    }
  }

  #onProviderEnd(): void {
    const { consumer, provider, exchange } = this.#state;
    // A tunnel that waits for the end of its request ends like any other.
    if (exchange?.hasSwitched === true && !consumer.ended && provider?.gone !== true) {
      consumer.end();
      return;
    }
    if (this.#state.exchange?.hasResponded === false) {
      this.#responses.fail("it closed before it answered");
    } else if (!this.#options.quirks.has("no-half-close", "rest")) {
      this.#options.actions.finish();
    }
  }
}
