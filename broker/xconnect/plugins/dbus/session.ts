import { passEnd } from "../../../shared/linux/polled-stream.ts";
import type { PolledStream } from "../../../shared/linux/polled-stream.ts";
import { MalformedMessage } from "../../../shared/protocols/dbus/malformed-message.ts";
import { closeAll, judged } from "../../planes/foreign-fds.ts";
import { Refusal } from "./bus.ts";
import type { AuthReplyReader } from "./bus.ts";
import type { DbusFilter } from "./filter.ts";
import { DbusOutbox } from "./outbox.ts";
import { DbusWay } from "./way.ts";
import type { WayOptions } from "./way.ts";
import type { ConsumerConnection } from "../plugin.ts";

export interface DbusSessionOptions extends WayOptions {
  readonly filter: DbusFilter;
  readonly consumer: PolledStream;
  readonly provider: PolledStream;
  /** Reader of the reply to AUTH, which precedes the messages; undefined when it has come. */
  readonly authReply: AuthReplyReader | undefined;
  /** Consumer connection, which tells when the link goes. */
  readonly connection: Pick<ConsumerConnection, "onEnd">;
  /** Called with the number of bytes that have come from a side. */
  readonly onBytes: (from: "consumer" | "provider", count: number) => void;
  readonly onFailure: (error: unknown) => void;
  /** Called when the bus refuses the connection. */
  readonly onRefused: (reason: string) => void;
  /** Called with the reason when a side breaks the protocol and the session ends. */
  readonly onMalformed: (side: "consumer" | "provider", reason: string) => void;
}

/** Milliseconds that a bus has to close after it has been sent EOF. */
const PROVIDER_CLOSE_TIMEOUT = 2_000;

/**
 * The messages of one session, from BEGIN until both sides have closed.
 *
 * A side is read as long as the other side takes its messages, even while it reads nothing itself:
 * buses and clients stop reading until they have written everything, and two of them that wait for
 * each other would wait for ever. The broker's own messages are bounded: a side that causes them is
 * paused while too many are not taken.
 */
export class DbusSession {
  readonly #options: DbusSessionOptions;
  readonly #toBus: DbusOutbox;
  readonly #toConsumer: DbusOutbox;
  readonly #up: DbusWay;
  readonly #down: DbusWay;
  readonly #finished = Promise.withResolvers<undefined>();
  /** True once a side has broken the protocol: no further message is judged. */
  #isOver = false;
  #authReply: AuthReplyReader | undefined;
  #parting: NodeJS.Timeout | undefined;

  constructor(options: DbusSessionOptions) {
    const { consumer, provider, filter } = options;
    this.#options = options;
    this.#authReply = options.authReply;
    this.#toBus = new DbusOutbox(provider);
    this.#toConsumer = new DbusOutbox(consumer);
    const outboxes = { toBus: this.#toBus, toConsumer: this.#toConsumer };
    this.#up = new DbusWay("consumer", consumer, outboxes, filter, options);
    this.#down = new DbusWay("provider", provider, outboxes, filter.bus, options);
  }

  /**
   * Carry messages. The session owns both streams from now on and closes them.
   * @param preamble bytes that go to the provider first
   * @param messages bytes that the consumer has already sent
   * @returns when both streams are closed; never rejects
   */
  run(preamble: Buffer, messages: Buffer): Promise<undefined> {
    const { connection, consumer } = this.#options;
    connection.onEnd(() => this.#end());
    if (!consumer.closed) {
      this.#toBus.insert(preamble);
      this.#carry(this.#up);
      this.#carry(this.#down);
      this.#step(() => {
        this.#up.takeFds();
        this.#take(this.#up, messages);
      });
    }
    return this.#finished.promise;
  }

  #carry(way: DbusWay): void {
    way.source.handTo({
      onReadable: () => this.#step(() => this.#read(way)),
      onDrained: () => this.#step(() => this.#balance()),
      onGone: () => this.#step(() => this.#balance()),
    });
  }

  /** Deal with one event; an error in it ends this session and nothing else. */
  #step(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#options.onFailure(error);
      this.#end();
    }
  }

  #read(way: DbusWay): void {
    if (this.#isOver && way === this.#down) {
      this.#discard(way.source);
      return;
    }
    if (!this.#mayRead(way)) {
      way.source.pause();
      return;
    }
    const bytes = way.source.read();
    way.takeFds();
    if (bytes === undefined) this.#onNothingRead(way);
    else if (way === this.#down && this.#authReply !== undefined)
      this.#hear(this.#authReply, bytes);
    else this.#take(way, bytes);
  }

  #onNothingRead({ from, source }: DbusWay): void {
    const isBeforeReply = from === "provider" && this.#authReply !== undefined;
    if (isBeforeReply && source.ended) this.#refuse("it closes the connection");
    else this.#balance();
  }

  /** @param bytes bytes on loan */
  #hear(authReply: AuthReplyReader, bytes: Buffer): void {
    try {
      const messages = authReply.take(bytes);
      if (messages === undefined) return;
      this.#authReply = undefined;
      if (messages.length > 0) this.#take(this.#down, messages);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.#refuse(error.message);
    }
  }

  #refuse(reason: string): void {
    this.#authReply = undefined;
    this.#options.onRefused(reason);
    this.#end();
  }

  /** @param chunk bytes on loan */
  #take(way: DbusWay, chunk: Buffer): void {
    this.#options.onBytes(way.from, chunk.length);
    way.push(chunk);
    this.#work(way);
    way.keep();
    this.#balance();
  }

  #work(way: DbusWay): void {
    try {
      way.judge();
    } catch (error) {
      if (!(error instanceof MalformedMessage)) throw error;
      if (this.#options.quirks.has("dbus-parser-lenient", "dbus")) way.discard();
      else this.#giveUp(way, error.message);
    }
    this.#toBus.flush();
    this.#toConsumer.flush();
  }

  /** End the session because of a malformed message; messages before it still arrive. */
  #giveUp({ from }: DbusWay, reason: string): void {
    const { consumer, provider, onMalformed } = this.#options;
    this.#isOver = true;
    onMalformed(from, reason);
    this.#toBus.flush();
    this.#toConsumer.flush();
    consumer.closeSoon();
    if (from === "provider" || provider.ended) provider.closeSoon();
    else this.#partWith(provider);
  }

  /**
   * Send EOF to the bus and let it close: if we closed first, a bus that still writes could drop
   * messages that it has not read.
   */
  #partWith(provider: PolledStream): void {
    provider.end();
    provider.resume();
    this.#parting = setTimeout(() => this.#end(), PROVIDER_CLOSE_TIMEOUT);
  }

  #discard(provider: PolledStream): void {
    provider.read();
    closeAll(judged(provider.takeFds()));
    if (provider.ended) provider.closeSoon();
    this.#balance();
  }

  #balance(): void {
    const { consumer, provider } = this.#options;
    if (!this.#isOver && !this.#up.isHeld && this.#up.isBehind) this.#work(this.#up);
    // Look at `ended` here: an end that came before the session had the stream is not reported
    // again.
    if (consumer.ended && !this.#up.isHeld) passEnd(consumer, provider);
    if (provider.ended) passEnd(provider, consumer);
    if (consumer.failed || provider.failed) this.#end();
    for (const way of [this.#up, this.#down]) if (this.#mayRead(way)) way.source.resume();
    if (consumer.closed && provider.closed) this.#finish();
  }

  #mayRead(way: DbusWay): boolean {
    return !this.#isOver && way.isOpen;
  }

  #end(): void {
    this.#options.consumer.close();
    this.#options.provider.close();
    this.#finish();
  }

  #finish(): void {
    clearTimeout(this.#parting);
    for (const way of [this.#up, this.#down]) way.closeFds();
    this.#options.connection.onEnd(undefined);
    // No `letPromisesRun()`: the code that waits for this can wait for the end of the turn.
    this.#finished.resolve(undefined);
  }
}
