import type { PolledStream } from "../linux/polled-stream.ts";
import { MalformedMessage } from "../protocols/dbus/malformed-message.ts";
import { closeAll, judged } from "../xconnect/foreign-fds.ts";
import { Refusal } from "./dbus-bus.ts";
import type { BusAnswerAhead } from "./dbus-bus.ts";
import { DbusOutbox } from "./dbus-outbox.ts";
import { DbusWay } from "./dbus-way.ts";
import type { WayOptions } from "./dbus-way.ts";
import type { ConsumerConnection } from "./plugin.ts";

export interface DbusSessionOptions extends WayOptions {
  readonly consumer: PolledStream;
  readonly provider: PolledStream;
  /** What the provider has to say before its first message. */
  readonly answer: BusAnswerAhead | undefined;
  /** Says when the link goes. */
  readonly connection: Pick<ConsumerConnection, "onEnd">;
  /** So many bytes have come. */
  readonly onBytes: (from: "consumer" | "provider", count: number) => void;
  readonly onFailure: (error: unknown) => void;
  /** The bus does not take the connection. */
  readonly onRefused: (reason: string) => void;
  /** Of why the session ends, when a side does not keep to the protocol. */
  readonly onMalformed: (side: "consumer" | "provider", reason: string) => void;
}

/** Milliseconds that a bus has to close when it has been given EOF. */
const PARTING = 2_000;

/**
 * The messages of one session, from BEGIN until both sides have closed.
 *
 * A side is read while the other takes what it says; that it takes nothing itself does not
 * count. Buses and clients stop reading until they are rid of what they have to say, and two
 * that wait for each other would wait for ever. What the broker says itself is bounded: who
 * causes it is read no further while too much of it is not taken.
 */
export class DbusSession {
  readonly #options: DbusSessionOptions;
  readonly #toBus: DbusOutbox;
  readonly #toConsumer: DbusOutbox;
  readonly #up: DbusWay;
  readonly #down: DbusWay;
  readonly #finished = Promise.withResolvers<undefined>();
  /** A side has broken the protocol: nothing more is looked at. */
  #isOver = false;
  #answer: BusAnswerAhead | undefined;
  #parting: NodeJS.Timeout | undefined;

  constructor(options: DbusSessionOptions) {
    const { consumer, provider } = options;
    this.#options = options;
    this.#answer = options.answer;
    this.#toBus = new DbusOutbox(provider);
    this.#toConsumer = new DbusOutbox(consumer);
    const outboxes = { toBus: this.#toBus, toConsumer: this.#toConsumer };
    this.#up = new DbusWay("consumer", consumer, outboxes, options);
    this.#down = new DbusWay("provider", provider, outboxes, options);
  }

  /**
   * Both streams are owned from here on, and closed at the end.
   * @param preamble goes to the provider first
   * @param messages what the consumer has already sent
   * @returns when both are closed; never rejects
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

  /** Deal with one event; whatever goes wrong ends this session and nothing else. */
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
    if (bytes === undefined) this.#onNothing(way);
    else if (way === this.#down && this.#answer !== undefined) this.#hear(this.#answer, bytes);
    else this.#take(way, bytes);
  }

  #onNothing({ from, source }: DbusWay): void {
    const isUnanswered = from === "provider" && this.#answer !== undefined;
    if (isUnanswered && source.ended) this.#refuse("it closes the connection");
    else this.#balance();
  }

  /** @param bytes on loan */
  #hear(answer: BusAnswerAhead, bytes: Buffer): void {
    try {
      const messages = answer.take(bytes);
      if (messages === undefined) return;
      this.#answer = undefined;
      if (messages.length > 0) this.#take(this.#down, messages);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.#refuse(error.message);
    }
  }

  #refuse(reason: string): void {
    this.#answer = undefined;
    this.#options.onRefused(reason);
    this.#end();
  }

  /** @param chunk on loan */
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

  /** What was good before it still arrives. */
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
   * A bus that is closed to before it was read from, or while it writes, may forget what it has
   * not read: it gets EOF, and closes itself.
   */
  #partWith(provider: PolledStream): void {
    provider.end();
    provider.resume();
    this.#parting = setTimeout(() => this.#end(), PARTING);
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
    // Asked rather than told: an end that came before BEGIN was answered is over.
    if (consumer.ended && !this.#up.isHeld) pass(consumer, provider);
    if (provider.ended) pass(provider, consumer);
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
    // Nobody waits for it who could not wait for the end of the turn.
    this.#finished.resolve(undefined);
  }
}

/** A side has ended, and all that it sent has been dealt with. */
function pass(from: PolledStream, to: PolledStream): void {
  if (!from.gone && !to.ended) {
    to.end();
    return;
  }
  // Nobody listens there any more, or both have ended.
  from.closeSoon();
  to.closeSoon();
}
