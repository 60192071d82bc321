import type { FdType } from "../formats/fd-types.ts";
import { MAX_FDS } from "../linux/control-message.ts";
import type { Parcel, PolledStream } from "../linux/polled-stream.ts";
import { MalformedMessage } from "../protocols/dbus/malformed-message.ts";
import type { MessageHeader } from "../protocols/dbus/message-header.ts";
import { MessageSplitter } from "../protocols/dbus/message-splitter.ts";
import type { Quirks } from "../quirks/quirks.ts";
import { closeAll, judged, mayReceiveForeign, refusedAmong } from "../xconnect/foreign-fds.ts";
import type { ForeignFd } from "../xconnect/foreign-fds.ts";
import type { DbusFilter } from "./dbus-filter.ts";
import type { DbusOutbox } from "./dbus-outbox.ts";
import { PASS } from "./dbus-verdict.ts";
import type { Verdict } from "./dbus-verdict.ts";

/** What both ways of a session have in common. */
export interface WayOptions {
  readonly filter: DbusFilter;
  readonly quirks: Quirks;
  /** Fd types that may pass; empty when fds were not agreed on. */
  readonly allowedFds: ReadonlySet<FdType>;
  /** Of something that the consumer was not allowed. */
  readonly onDenied: (what: string) => void;
}

interface Outboxes {
  readonly toBus: DbusOutbox;
  readonly toConsumer: DbusOutbox;
}

/**
 * One direction of a session: from the bytes and fds of one side to what leaves for the other,
 * by the filter's verdict on each message. The bodies of passing messages are never held.
 */
export class DbusWay {
  readonly from: "consumer" | "provider";
  readonly source: PolledStream;
  readonly out: DbusOutbox;
  /** To where it comes from: what is answered in the other side's place. */
  readonly back: DbusOutbox;
  readonly #outboxes: Outboxes;
  readonly #options: WayOptions;
  readonly #splitter: MessageSplitter;
  /** Whether the message that is under way passes. */
  #passes = false;
  /** Have come, and their message's header has not yet. */
  readonly #fds: ForeignFd[] = [];

  constructor(
    from: "consumer" | "provider",
    source: PolledStream,
    outboxes: Outboxes,
    options: WayOptions,
  ) {
    const { toBus, toConsumer } = outboxes;
    const { filter } = options;
    const isUp = from === "consumer";
    this.from = from;
    this.source = source;
    this.out = isUp ? toBus : toConsumer;
    this.back = isUp ? toConsumer : toBus;
    this.#outboxes = outboxes;
    this.#options = options;
    this.#splitter = new MessageSplitter(isUp ? filter.wantsConsumerBody : filter.wantsBusBody);
  }

  /** Its messages wait until the bus has answered. */
  get isHeld(): boolean {
    return this.from === "consumer" && this.#options.filter.isHeld;
  }

  /** There are bytes that have not been judged. */
  get isBehind(): boolean {
    return this.#splitter.isBehind;
  }

  /** Whether `source` may be read: what comes can leave, and what it causes is bounded. */
  get isOpen(): boolean {
    // Not for what `out` owes that waits for this side's own message to end.
    return !this.isHeld && !this.out.isStalled && !this.back.owesMuch;
  }

  /** The fds that have come with what has been read. */
  takeFds(): void {
    this.#fds.push(...judged(this.source.takeFds()));
  }

  /** @param chunk on loan until `keep` */
  push(chunk: Buffer): void {
    this.#splitter.push(chunk);
  }

  /** Copy what is left of the chunk. */
  keep(): void {
    this.#splitter.keep();
  }

  /** Forget the bytes that have come. */
  discard(): void {
    this.#splitter.discard();
  }

  closeFds(): void {
    closeAll(this.#fds.splice(0));
  }

  /**
   * All that has come, as far as it is not held. Neighbouring parts that pass leave as one.
   * @throws MalformedMessage
   */
  judge(): void {
    const { out } = this;
    const splitter = this.#splitter;
    let run = -1;
    const passRun = (end: number) => {
      if (run >= 0) out.pass(splitter.bytes.subarray(run, end), this.#isWhole(end));
      run = -1;
    };
    // What passes before something malformed goes on: however the stream is cut, it is the same.
    let judgedTo = splitter.end;
    const next = () => {
      judgedTo = splitter.end;
      return splitter.advance();
    };
    try {
      while (!this.isHeld && next()) {
        const { header, bytes, start, end } = splitter;
        if (header === undefined) {
          if (this.#passes && run < 0) run = start;
          continue;
        }
        const decided = this.#decide(header, bytes, start);
        const fds = header.unixFds === 0 ? NO_FDS : this.#fdsOf(header);
        const verdict = this.#withFds(decided, header, fds);
        this.#passes = verdict.pass;
        if (!verdict.pass) closeAll(fds);
        else if (fds.length > 0) {
          passRun(start);
          out.pass(bytes.subarray(start, end), this.#isWhole(end), parcelOf(fds));
        } else {
          if (run < 0) run = start;
          if (verdict === PASS) continue;
        }
        passRun(verdict.pass ? end : start);
        this.#cause(verdict);
      }
      judgedTo = splitter.end;
    } finally {
      passRun(judgedTo);
    }
    this.#checkLeft();
  }

  /** Whether the last message up to there is complete. */
  #isWhole(end: number): boolean {
    return end !== this.#splitter.end || !this.#splitter.inMessage;
  }

  #decide(header: MessageHeader, bytes: Buffer, start: number): Verdict {
    const { filter } = this.#options;
    return this.from === "consumer"
      ? filter.fromConsumer(header, bytes, start)
      : filter.fromBus(header, bytes, start);
  }

  /** A message with an fd that may not pass does not pass. */
  #withFds(verdict: Verdict, header: MessageHeader, fds: readonly ForeignFd[]): Verdict {
    const { filter, allowedFds } = this.#options;
    const refused = verdict.pass ? refusedAmong(fds, allowedFds) : undefined;
    if (refused === undefined) return verdict;
    return this.from === "consumer"
      ? filter.refuseFds(header, refused)
      : filter.refuseBusFds(header, refused);
  }

  #cause({ instead, toBus, toConsumer, denied }: Verdict): void {
    if (instead !== undefined) this.out.insert(instead);
    for (const message of toBus ?? []) this.#outboxes.toBus.insert(message);
    if (toConsumer !== undefined) this.#outboxes.toConsumer.insert(toConsumer);
    if (denied !== undefined) this.#options.onDenied(denied);
  }

  /**
   * The next so many: they come with the first byte of their message at the latest, as every
   * library sends them.
   * @throws MalformedMessage
   */
  #fdsOf({ unixFds }: MessageHeader): readonly ForeignFd[] {
    const { allowedFds, quirks } = this.#options;
    if (allowedFds.size === 0) throw new MalformedMessage("fds, which were not agreed on");
    if (this.#fds.length < unixFds) throw new MalformedMessage("fds that did not come with it");
    const fds = this.#fds.splice(0, unixFds);
    if (!quirks.has("dbus-fd-lost", "dbus")) return fds;
    closeAll(fds);
    return NO_FDS;
  }

  /** @throws MalformedMessage when fds have come that no message can have */
  #checkLeft(): void {
    const { length } = this.#fds;
    // They are of a message that has come with them: one that is not judged yet, or there is none.
    if (length > MAX_FDS || (length > 0 && !this.isBehind)) {
      throw new MalformedMessage(`${length} fds without a message`);
    }
    if (this.source.hasLostFds || (length > 0 && !mayReceiveForeign())) {
      throw new MalformedMessage("fds for which the broker has no room");
    }
  }
}

const NO_FDS: readonly ForeignFd[] = [];

function parcelOf(foreign: readonly ForeignFd[]): Parcel {
  return { fds: foreign.map(({ fd }) => fd), close: () => closeAll(foreign) };
}
