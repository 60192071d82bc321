import type { FdType } from "../formats/fd-types.ts";
import { MAX_FDS } from "../linux/control-message.ts";
import type { Parcel, PolledStream } from "../linux/polled-stream.ts";
import { MalformedMessage } from "../protocols/dbus/malformed-message.ts";
import { MessageSplitter } from "../protocols/dbus/message-splitter.ts";
import type { MessageHeader } from "../protocols/dbus/message-header.ts";
import type { Quirks } from "../quirks/quirks.ts";
import { Refusal } from "./dbus-bus.ts";
import type { BusAnswerAhead } from "./dbus-bus.ts";
import { closeAll, judged, mayReceiveForeign, refusedAmong } from "../xconnect/foreign-fds.ts";
import type { ForeignFd } from "../xconnect/foreign-fds.ts";
import type { DbusFilter } from "./dbus-filter.ts";
import { DbusOutbox } from "./dbus-outbox.ts";
import { PASS } from "./dbus-verdict.ts";
import type { Verdict } from "./dbus-verdict.ts";
import type { ConsumerConnection } from "./plugin.ts";

export interface DbusSessionOptions {
  readonly consumer: PolledStream;
  readonly provider: PolledStream;
  /** What the provider has to say before its first message. */
  readonly answer: BusAnswerAhead | undefined;
  readonly filter: DbusFilter;
  readonly quirks: Quirks;
  /** Says when the link goes. */
  readonly connection: Pick<ConsumerConnection, "onEnd">;
  /** Fd types that may pass; empty when fds were not agreed on. */
  readonly allowedFds: ReadonlySet<FdType>;
  /** So many bytes have come. */
  readonly onBytes: (from: "consumer" | "provider", count: number) => void;
  /** Of something that the consumer was not allowed. */
  readonly onDenied: (what: string) => void;
  readonly onFailure: (error: unknown) => void;
  /** The bus does not take the connection. */
  readonly onRefused: (reason: string) => void;
  /** Of why the session ends, when a side does not keep to the protocol. */
  readonly onMalformed: (side: "consumer" | "provider", reason: string) => void;
}

/** Milliseconds that a bus has to close when it has been given EOF. */
const PARTING = 2_000;

/** One direction. */
interface Way {
  readonly from: "consumer" | "provider";
  readonly source: PolledStream;
  readonly out: DbusOutbox;
  /** To where it comes from: what is answered in the other side's place. */
  readonly back: DbusOutbox;
  readonly splitter: MessageSplitter;
  /** Whether the message that is under way passes. */
  passes: boolean;
  /** Have come, and their message's header has not yet. */
  fds: ForeignFd[];
}

/**
 * The messages of one session, from BEGIN until both sides have closed.
 *
 * A side is read while the other takes what it says; that it takes nothing itself does not
 * count. Buses and clients stop reading until they are rid of what they have to say, and two
 * that wait for each other would wait for ever. What the broker says itself is bounded: who
 * causes it is read no further while too much of it is not taken.
 *
 * The bodies of passing messages are never held.
 */
export class DbusSession {
  readonly #options: DbusSessionOptions;
  readonly #toBus: DbusOutbox;
  readonly #toConsumer: DbusOutbox;
  readonly #up: Way;
  readonly #down: Way;
  readonly #finished = Promise.withResolvers<undefined>();
  /** A side has broken the protocol: nothing more is looked at. */
  #isOver = false;
  #answer: BusAnswerAhead | undefined;
  #parting: NodeJS.Timeout | undefined;

  constructor(options: DbusSessionOptions) {
    const { consumer, provider, filter } = options;
    this.#options = options;
    this.#answer = options.answer;
    this.#toBus = new DbusOutbox(provider);
    this.#toConsumer = new DbusOutbox(consumer);
    this.#up = {
      from: "consumer",
      source: consumer,
      out: this.#toBus,
      back: this.#toConsumer,
      splitter: new MessageSplitter(filter.wantsConsumerBody),
      passes: false,
      fds: [],
    };
    this.#down = {
      from: "provider",
      source: provider,
      out: this.#toConsumer,
      back: this.#toBus,
      splitter: new MessageSplitter(filter.wantsBusBody),
      passes: false,
      fds: [],
    };
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
        this.#up.fds.push(...judged(consumer.takeFds()));
        this.#take(this.#up, messages);
      });
    }
    return this.#finished.promise;
  }

  #carry(way: Way): void {
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

  #read(way: Way): void {
    if (this.#isOver && way === this.#down) {
      this.#discard(way.source);
      return;
    }
    if (!this.#mayRead(way)) {
      way.source.pause();
      return;
    }
    const bytes = way.source.read();
    way.fds.push(...judged(way.source.takeFds()));
    if (bytes === undefined) this.#onNothing(way);
    else if (way === this.#down && this.#answer !== undefined) this.#hear(this.#answer, bytes);
    else this.#take(way, bytes);
  }

  #onNothing({ from, source }: Way): void {
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
  #take(way: Way, chunk: Buffer): void {
    this.#options.onBytes(way.from, chunk.length);
    way.splitter.push(chunk);
    this.#work(way);
    way.splitter.keep();
    this.#balance();
  }

  #work(way: Way): void {
    try {
      this.#judge(way);
      checkLeft(way);
    } catch (error) {
      if (!(error instanceof MalformedMessage)) throw error;
      if (this.#options.quirks.has("dbus-parser-lenient", "dbus")) way.splitter.discard();
      else this.#giveUp(way, error.message);
    }
    this.#toBus.flush();
    this.#toConsumer.flush();
  }

  /** What was good before it still arrives. */
  #giveUp({ from }: Way, reason: string): void {
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

  /** Neighbouring parts that pass leave as one. */
  #judge(way: Way): void {
    const { splitter, out, from } = way;
    const { filter } = this.#options;
    const held = way === this.#up;
    let run = -1;
    const passRun = (end: number) => {
      if (run >= 0)
        out.pass(splitter.bytes.subarray(run, end), !(end === splitter.end && splitter.inMessage));
      run = -1;
    };
    // What passes before something malformed goes on: however the stream is cut, it is the same.
    let judged = splitter.end;
    const next = () => {
      judged = splitter.end;
      return splitter.advance();
    };
    try {
      while (!(held && filter.isHeld) && next()) {
        const { header, bytes, start, end } = splitter;
        if (header === undefined) {
          if (way.passes && run < 0) run = start;
          continue;
        }
        let verdict =
          from === "consumer"
            ? filter.fromConsumer(header, bytes, start)
            : filter.fromBus(header, bytes, start);
        const fds = header.unixFds === 0 ? NO_FDS : this.#fdsOf(header, way);
        const refused = verdict.pass ? refusedAmong(fds, this.#options.allowedFds) : undefined;
        if (refused !== undefined) {
          verdict =
            from === "consumer"
              ? filter.refuseFds(header, refused)
              : filter.refuseBusFds(header, refused);
        }
        way.passes = verdict.pass;
        if (!verdict.pass) closeAll(fds);
        else if (fds.length > 0) {
          passRun(start);
          const isLast = !(end === splitter.end && splitter.inMessage);
          out.pass(bytes.subarray(start, end), isLast, parcelOf(fds));
        } else {
          if (run < 0) run = start;
          if (verdict === PASS) continue;
        }
        passRun(verdict.pass ? end : start);
        this.#effects(verdict, out);
      }
      judged = splitter.end;
    } finally {
      passRun(judged);
    }
  }

  /**
   * The next so many: they come with the first byte of their message at the latest, as every
   * library sends them.
   * @throws MalformedMessage
   */
  #fdsOf({ unixFds }: MessageHeader, way: Way): readonly ForeignFd[] {
    const { allowedFds, quirks } = this.#options;
    if (allowedFds.size === 0) throw new MalformedMessage("fds, which were not agreed on");
    if (way.fds.length < unixFds) throw new MalformedMessage("fds that did not come with it");
    const fds = way.fds.splice(0, unixFds);
    if (!quirks.has("dbus-fd-lost", "dbus")) return fds;
    closeAll(fds);
    return NO_FDS;
  }

  #effects({ instead, toBus, toConsumer, denied }: Verdict, out: DbusOutbox): void {
    if (instead !== undefined) out.insert(instead);
    for (const message of toBus ?? []) this.#toBus.insert(message);
    if (toConsumer !== undefined) this.#toConsumer.insert(toConsumer);
    if (denied !== undefined) this.#options.onDenied(denied);
  }

  #balance(): void {
    const { consumer, provider, filter } = this.#options;
    if (!this.#isOver && !filter.isHeld && this.#up.splitter.isBehind) this.#work(this.#up);
    // Asked rather than told: an end that came before BEGIN was answered is over.
    if (consumer.ended && !filter.isHeld) pass(consumer, provider);
    if (provider.ended) pass(provider, consumer);
    if (consumer.failed || provider.failed) this.#end();
    for (const way of [this.#up, this.#down]) if (this.#mayRead(way)) way.source.resume();
    if (consumer.closed && provider.closed) this.#finish();
  }

  #mayRead(way: Way): boolean {
    if (this.#isOver || (way === this.#up && this.#options.filter.isHeld)) return false;
    // Not for what `out` owes that waits for this side's own message to end.
    return !way.out.isStalled && !way.back.owesMuch;
  }

  #end(): void {
    this.#options.consumer.close();
    this.#options.provider.close();
    this.#finish();
  }

  #finish(): void {
    clearTimeout(this.#parting);
    for (const { fds } of [this.#up, this.#down]) closeAll(fds.splice(0));
    this.#options.connection.onEnd(undefined);
    // Nobody waits for it who could not wait for the end of the turn.
    this.#finished.resolve(undefined);
  }
}

const NO_FDS: readonly ForeignFd[] = [];

function parcelOf(foreign: readonly ForeignFd[]): Parcel {
  return { fds: foreign.map(({ fd }) => fd), close: () => closeAll(foreign) };
}

/** @throws MalformedMessage when fds have come that no message can have */
function checkLeft({ source, fds, splitter }: Way): void {
  // They are of a message that has come with them: one that is not judged yet, or there is none.
  if (fds.length > MAX_FDS || (fds.length > 0 && !splitter.isBehind))
    throw new MalformedMessage(`${fds.length} fds without a message`);
  if (source.hasLostFds || (fds.length > 0 && !mayReceiveForeign())) {
    throw new MalformedMessage("fds for which the broker has no room");
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
