import { closeSync } from "node:fs";
import { batchWrites } from "../../../shared/linux/write-batch.ts";
import { PolledStream } from "../../../shared/linux/polled-stream.ts";
import type { StreamOwner } from "../../../shared/linux/polled-stream.ts";
import { letPromisesRun } from "../../../shared/linux/stream-loop.ts";
import type { ConsumerConnection, Link, Toolbox } from "../plugin.ts";
import { RestEnding } from "./ending.ts";
import { RestHttp } from "./http.ts";
import { RestReport } from "./report.ts";
import type { RestPolicy } from "./rules.ts";
import { RestState } from "./state.ts";
import { RestTimers } from "./timers.ts";
import { RestTunnel } from "./tunnel.ts";

/**
 * One consumer connection and the one provider connection it gets with its first request.
 *
 * Consumer and provider are both hostile. Requests pass one at a time: a pipelined one waits
 * until the response before it is complete. So a response can never be taken for another
 * request's, and memory is bounded by one read of each socket. The response's bytes are passed
 * on as they are where these are plain.
 *
 *     RestHttp ─▶ RestTunnel (101 to an allowed Upgrade)        both ─▶ RestEnding
 *
 * A consumer that half-closes still gets its response: the provider is told only afterwards,
 * since HTTP servers commonly drop a request whose sender has closed. A consumer that closes
 * for good ends the session at once, even while the provider is silent.
 *
 * Nothing here waits: each event of a socket is dealt with to its end before the next.
 */
export class RestSession {
  readonly #link: Link;
  readonly #tools: Toolbox;
  readonly #signal: AbortSignal;
  readonly #state: RestState;
  readonly #report: RestReport;
  readonly #timers = new RestTimers();
  readonly #http: RestHttp;
  readonly #finished = Promise.withResolvers<undefined>();

  /** @throws SystemCallError EMFILE */
  constructor(link: Link, policy: RestPolicy, connection: ConsumerConnection, tools: Toolbox) {
    this.#link = link;
    this.#tools = tools;
    this.#signal = connection.signal;
    this.#report = new RestReport(link, tools);
    const consumer = new PolledStream(connection.take(), NO_OWNER);
    this.#state = new RestState(consumer);
    this.#http = new RestHttp(this.#state, {
      identity: { client: link.consumer, role: link.role },
      policy,
      quirks: tools.quirks,
      report: this.#report,
      timers: this.#timers,
      actions: {
        connect: (head) => void this.#connect(head),
        openTunnel: () => this.#openTunnel(),
        finish: (lastResponse) => this.#finish(lastResponse),
      },
      step: (work) => this.#step(work),
    });
    consumer.handTo(this.#stepped(this.#http.consumerOwner));
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
      batchWrites(work);
    } catch (error) {
      this.#report.failed(error);
      this.#destroy();
    }
    this.#settle();
  }

  /** Each event of a stream is a step. */
  #stepped(owner: StreamOwner): StreamOwner {
    const onReadable = () => owner.onReadable();
    const onDrained = () => owner.onDrained();
    const onGone = () => owner.onGone();
    return {
      onReadable: () => this.#step(onReadable),
      onDrained: () => this.#step(onDrained),
      onGone: () => this.#step(onGone),
    };
  }

  #settle(): void {
    const { phase, isConnecting, consumer, provider } = this.#state;
    if (phase !== "over" || isConnecting) return;
    if (!consumer.closed || provider?.closed === false) return;
    this.#timers.stop();
    this.#finished.resolve(undefined);
    letPromisesRun();
  }

  #destroy(): void {
    const { consumer, provider } = this.#state;
    this.#state.phase = "over";
    this.#timers.forgetHead();
    consumer.close();
    provider?.close();
    this.#settle();
  }

  /** Sets the provider, or tells the consumer that there is none. */
  async #connect(head: string): Promise<void> {
    const state = this.#state;
    state.isConnecting = true;
    letPromisesRun();
    let fd: number | undefined;
    try {
      fd = await this.#tools.dialProvider(this.#link, { signal: this.#signal });
    } catch {
      fd = undefined;
    }
    state.isConnecting = false;
    this.#step(() => {
      if (state.phase === "over") {
        if (fd !== undefined) closeSync(fd);
      } else if (fd === undefined) {
        this.#http.fail();
      } else {
        state.provider = new PolledStream(fd, this.#stepped(this.#http.providerOwner));
        this.#http.begin(head);
      }
    });
  }

  #watchIdle(): void {
    this.#timers.watchIdle(
      () => this.#http.countWhenIdle,
      () => this.#step(() => this.#finish()),
    );
  }

  #openTunnel(): void {
    const { consumer, provider } = this.#state;
    if (provider === undefined) return;
    this.#state.phase = "tunnel";
    this.#state.exchange = undefined;
    this.#timers.forgetHead();
    const tunnel = new RestTunnel({
      consumer,
      provider,
      report: this.#report,
      quirks: this.#tools.quirks,
      finish: () => this.#finish(),
    });
    consumer.handTo(this.#stepped(tunnel.consumerOwner));
    provider.handTo(this.#stepped(tunnel.providerOwner));
    tunnel.begin(...this.#http.rests());
  }

  #finish(lastResponse?: Buffer): void {
    const { phase, consumer, provider } = this.#state;
    if (phase === "over") {
      consumer.closeSoon();
      return;
    }
    this.#state.phase = "over";
    const ending = new RestEnding({
      consumer,
      provider,
      timers: this.#timers,
      step: (work) => this.#step(work),
    });
    consumer.handTo(this.#stepped(ending.consumerOwner));
    provider?.handTo(this.#stepped(ending.providerOwner));
    ending.begin(lastResponse);
  }
}

/** For as long as the session is being made: no event comes meanwhile. */
const NO_OWNER: StreamOwner = {
  onReadable: () => undefined,
  onDrained: () => undefined,
  onGone: () => undefined,
};
