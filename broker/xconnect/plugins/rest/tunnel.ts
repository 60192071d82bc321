import type { PolledStream, StreamOwner } from "../../../shared/linux/polled-stream.ts";
import type { Quirks } from "../../../shared/quirks/quirks.ts";
import type { RestReport } from "./report.ts";

export interface RestTunnelOptions {
  readonly consumer: PolledStream;
  readonly provider: PolledStream;
  readonly report: RestReport;
  readonly quirks: Quirks;
  readonly finish: () => void;
}

/** A connection that has changed its protocol: bytes and half-closes both ways. */
export class RestTunnel {
  readonly #options: RestTunnelOptions;

  constructor(options: RestTunnelOptions) {
    this.#options = options;
  }

  /** @param asked @param answered what the parsers of the protocol before have left */
  begin(asked: Buffer | undefined, answered: Buffer | undefined): void {
    const { consumer, provider, finish } = this.#options;
    if (answered !== undefined) consumer.write(answered);
    if (asked !== undefined) provider.write(asked);
    if (!consumer.ended) consumer.resume();
    else if (provider.ended) finish();
    else provider.end();
  }

  /** Owner of the consumer's stream. */
  get consumerOwner(): StreamOwner {
    const { provider, finish } = this.#options;
    return {
      onReadable: () => this.#readConsumer(),
      onDrained: () => provider.resume(),
      onGone: finish,
    };
  }

  /** Owner of the provider's stream. */
  get providerOwner(): StreamOwner {
    const { consumer } = this.#options;
    return {
      onReadable: () => this.#readProvider(),
      onDrained: () => consumer.resume(),
      onGone: () => this.#onProviderGone(),
    };
  }

  #readConsumer(): void {
    const { consumer, provider, report, quirks, finish } = this.#options;
    if (provider.stalled) {
      consumer.pause();
      return;
    }
    const bytes = consumer.read();
    if (bytes !== undefined) {
      report.fromConsumer(bytes.length);
      provider.write(bytes);
    } else if (consumer.ended) {
      if (quirks.has("early-close", "rest") || provider.ended) finish();
      else provider.end();
    }
  }

  #readProvider(): void {
    const { consumer, provider, report, quirks, finish } = this.#options;
    if (consumer.stalled) {
      provider.pause();
      return;
    }
    const bytes = provider.read();
    if (bytes !== undefined) {
      report.toConsumer(bytes.length);
      consumer.write(bytes);
    } else if (provider.ended) {
      if (quirks.has("no-half-close", "rest")) return;
      if (consumer.ended || provider.gone) finish();
      else consumer.end();
    }
  }

  /** Called while reading is paused or has ended: bytes that were not read yet are read later. */
  #onProviderGone(): void {
    if (this.#options.provider.ended) this.#options.finish();
  }
}
