import type { PolledStream, StreamOwner } from "../../../shared/linux/polled-stream.ts";
import type { RestTimers } from "./timers.ts";

export interface RestEndingOptions {
  readonly consumer: PolledStream;
  /** Provider; undefined when there has been no request or it is still being connected to. */
  readonly provider: PolledStream | undefined;
  readonly timers: RestTimers;
  /** Calls back with what it is given as one event of the session. */
  readonly step: (work: () => void) => void;
}

/**
 * The last of a session: each side gets what is on its way to it, and EOF.
 *
 * A consumer that still sends is not closed at once: it would be told of its broken connection
 * before it reads the response. For a while, the broker reads and drops its bytes.
 */
export class RestEnding {
  readonly #options: RestEndingOptions;

  constructor(options: RestEndingOptions) {
    this.#options = options;
  }

  begin(lastResponse: Buffer | undefined): void {
    const { consumer, provider, timers, step } = this.#options;
    timers.forgetHead();
    if (lastResponse !== undefined) consumer.write(lastResponse);
    consumer.end();
    provider?.closeSoon();
    if (provider?.closed === false) timers.limitDrain(() => step(() => provider.close()));
    this.#linger();
  }

  /** Owner of the consumer's stream. */
  get consumerOwner(): StreamOwner {
    const { consumer } = this.#options;
    return {
      onReadable: () => this.#readConsumer(),
      onDrained: () => this.#linger(),
      onGone: () => consumer.closeSoon(),
    };
  }

  /** Owner of the provider's stream. */
  get providerOwner(): StreamOwner {
    const { provider } = this.#options;
    return {
      onReadable: () => provider?.pause(),
      onDrained: () => undefined,
      onGone: () => undefined,
    };
  }

  #readConsumer(): void {
    const { consumer, timers } = this.#options;
    if (consumer.read() !== undefined) timers.putOffLinger();
    else if (consumer.ended) consumer.closeSoon();
  }

  /**
   * The time begins when the kernel has the last byte: a slow reader gets all of a long response.
   */
  #linger(): void {
    const { consumer, timers, step } = this.#options;
    if (consumer.ended || consumer.gone) {
      consumer.closeSoon();
      return;
    }
    consumer.resume();
    if (consumer.stalled) return;
    timers.linger(() => step(() => consumer.close()));
  }
}
