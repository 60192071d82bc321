import type { FdType } from "../formats/fd-types.ts";
import { MAX_FDS } from "../linux/control-message.ts";
import type { AttachedFds, PolledStream } from "../linux/polled-stream.ts";
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

/** Options that both ways of a session share. */
export interface WayOptions {
  readonly filter: DbusFilter;
  readonly quirks: Quirks;
  /** Fd types that may pass; empty when fds were not agreed on. */
  readonly allowedFds: ReadonlySet<FdType>;
  /** Called with a description of a thing that the link does not allow. */
  readonly onDenied: (what: string) => void;
}

interface Outboxes {
  readonly toBus: DbusOutbox;
  readonly toConsumer: DbusOutbox;
}

/**
 * One direction of a session: it takes bytes and fds of one side, and sends messages to the other
 * by the filter's verdict on each. Bodies of passing messages are never held.
 */
export class DbusWay {
  readonly from: "consumer" | "provider";
  readonly source: PolledStream;
  readonly out: DbusOutbox;
  /** Outbox back to the source, for answers in place of the other side. */
  readonly back: DbusOutbox;
  readonly #outboxes: Outboxes;
  readonly #options: WayOptions;
  readonly #splitter: MessageSplitter;
  /** True when the message whose parts are arriving passes. */
  #passes = false;
  /** Fds that have come before their message's header was read. */
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

  /** True while this way's messages wait for an answer of the bus. */
  get isHeld(): boolean {
    return this.from === "consumer" && this.#options.filter.isHeld;
  }

  /** True when there are bytes that have not been judged. */
  get isBehind(): boolean {
    return this.#splitter.isBehind;
  }

  /** True when `source` may be read: its messages can leave, and the answers to it are bounded. */
  get isOpen(): boolean {
    // `out.owesMuch` does not count: its messages may wait for the end of this side's own message.
    return !this.isHeld && !this.out.isStalled && !this.back.owesMuch;
  }

  /** Take the fds that have come with the bytes read so far. */
  takeFds(): void {
    this.#fds.push(...judged(this.source.takeFds()));
  }

  /** @param chunk bytes on loan until `keep` */
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
   * Judge all bytes that have come, until messages are held. Neighbouring parts that pass leave as
   * one piece.
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
    // Messages before a malformed one still pass, so that the result does not depend on how the
    // stream is cut into chunks.
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
          out.pass(bytes.subarray(start, end), this.#isWhole(end), attachedFds(fds));
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

  /** True when the last message before `end` is complete. */
  #isWhole(end: number): boolean {
    return end !== this.#splitter.end || !this.#splitter.inMessage;
  }

  #decide(header: MessageHeader, bytes: Buffer, start: number): Verdict {
    const { filter } = this.#options;
    return this.from === "consumer"
      ? filter.fromConsumer(header, bytes, start)
      : filter.fromBus(header, bytes, start);
  }

  /** The verdict, changed to a refusal when one of the message's fds may not pass. */
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
   * The fds of a message. They arrive with its first byte at the latest, as every library sends
   * them.
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

  /** @throws MalformedMessage for fds that belong to no message, or were lost */
  #checkLeft(): void {
    const { length } = this.#fds;
    // Fds that are left must belong to a message that has come and is not judged yet.
    if (length > MAX_FDS || (length > 0 && !this.isBehind)) {
      throw new MalformedMessage(`${length} fds without a message`);
    }
    if (this.source.hasLostFds || (length > 0 && !mayReceiveForeign())) {
      throw new MalformedMessage("fds for which the broker has no room");
    }
  }
}

const NO_FDS: readonly ForeignFd[] = [];

function attachedFds(foreign: readonly ForeignFd[]): AttachedFds {
  return { fds: foreign.map(({ fd }) => fd), close: () => closeAll(foreign) };
}
