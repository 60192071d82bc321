import type { FdType } from "../../../shared/formats/fd-types.ts";
import { MAX_FDS } from "../../../shared/linux/control-message.ts";
import type { AttachedFds, PolledStream } from "../../../shared/linux/polled-stream.ts";
import { MalformedMessage } from "../../../shared/protocols/dbus/malformed-message.ts";
import type { MessageHeader } from "../../../shared/protocols/dbus/message-header.ts";
import { MessageSplitter } from "../../../shared/protocols/dbus/message-splitter.ts";
import type { Quirks } from "../../../shared/quirks/quirks.ts";
import { closeAll, judged, mayReceiveForeign, refusedAmong } from "../../planes/foreign-fds.ts";
import type { ForeignFd } from "../../planes/foreign-fds.ts";
import type { DbusJudge } from "./judge.ts";
import type { DbusOutbox } from "./outbox.ts";
import { PASS } from "./decision.ts";
import type { Decision } from "./decision.ts";

/** Options that both ways of a session share. */
export interface WayOptions {
  readonly quirks: Quirks;
  /** Fd types that may pass; empty when fds were not agreed on. */
  readonly allowedFds: ReadonlySet<FdType>;
  /** Called with a description of a thing that the link does not allow. */
  readonly onDenied: (what: string) => void;
  /** Called with the decision on each message, for debugging. */
  readonly onDecision?:
    ((from: DbusSide, header: MessageHeader, decision: Decision) => void) | undefined;
}

export type DbusSide = "consumer" | "provider";

interface Outboxes {
  readonly toBus: DbusOutbox;
  readonly toConsumer: DbusOutbox;
}

/**
 * One direction of a session: it takes bytes and fds of one side, and sends messages to the other
 * by the decision of its judge on each. Bodies of passing messages are never held.
 */
export class DbusWay {
  readonly from: DbusSide;
  readonly source: PolledStream;
  readonly out: DbusOutbox;
  /** Outbox back to the source, for answers in place of the other side. */
  readonly back: DbusOutbox;
  readonly #outboxes: Outboxes;
  readonly #judge: DbusJudge;
  readonly #options: WayOptions;
  readonly #splitter: MessageSplitter;
  /** True when the message whose parts are arriving passes. */
  #passes = false;
  /** Fds that have come before their message's header was read. */
  readonly #fds: ForeignFd[] = [];

  constructor(
    from: DbusSide,
    source: PolledStream,
    outboxes: Outboxes,
    judge: DbusJudge,
    options: WayOptions,
  ) {
    const { toBus, toConsumer } = outboxes;
    this.from = from;
    this.source = source;
    [this.out, this.back] = from === "consumer" ? [toBus, toConsumer] : [toConsumer, toBus];
    this.#outboxes = outboxes;
    this.#judge = judge;
    this.#options = options;
    this.#splitter = new MessageSplitter((header) => judge.wantsBody(header));
  }

  /** True while this way's messages wait for an answer of the bus. */
  get isHeld(): boolean {
    return this.#judge.isHeld;
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
   * Judge all bytes that have come, until messages are held.
   * @throws MalformedMessage
   */
  judge(): void {
    const batch = new PassingBatch(this.#splitter, this.out);
    try {
      while (!this.isHeld && this.#splitter.advance()) this.#judgePart(batch);
    } finally {
      // Messages before a malformed one still pass, so that the result does not depend on how the
      // stream is cut into chunks.
      batch.send();
    }
    this.#checkLeft();
  }

  /** @throws MalformedMessage */
  #judgePart(batch: PassingBatch): void {
    const { header } = this.#splitter;
    if (header === undefined) {
      if (this.#passes) batch.addPart();
      return;
    }
    const { bytes, start } = this.#splitter;
    const decided = this.#judge.judge(header, bytes, start);
    const fds = header.unixFds === 0 ? NO_FDS : this.#fdsOf(header);
    const decision = this.#withFds(decided, header, fds);
    this.#options.onDecision?.(this.from, header, decision);
    this.#passes = decision.pass;
    if (!decision.pass) closeAll(fds);
    else if (fds.length === 0) batch.addPart();
    else batch.sendPart(attachedFds(fds));
    if (decision === PASS) return;
    batch.send();
    this.#cause(decision);
  }

  /** The decision, changed to a refusal when one of the message's fds may not pass. */
  #withFds(decision: Decision, header: MessageHeader, fds: readonly ForeignFd[]): Decision {
    const refused = decision.pass ? refusedAmong(fds, this.#options.allowedFds) : undefined;
    return refused === undefined ? decision : this.#judge.refuseFds(header, refused);
  }

  #cause({ instead, toBus, toConsumer, denied }: Decision): void {
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

/** Neighbouring parts of passing messages, which leave as one piece. */
class PassingBatch {
  readonly #splitter: MessageSplitter;
  readonly #out: DbusOutbox;
  /** Offsets of the piece in the splitter's bytes; it is empty when they are equal. */
  #from = 0;
  #to = 0;

  constructor(splitter: MessageSplitter, out: DbusOutbox) {
    this.#splitter = splitter;
    this.#out = out;
  }

  /** Add the splitter's current part, which has to be the one behind the last. */
  addPart(): void {
    if (this.#from === this.#to) this.#from = this.#splitter.start;
    this.#to = this.#splitter.end;
  }

  /** Send the batch, then the current part by itself with its fds. */
  sendPart(fds: AttachedFds): void {
    this.send();
    this.addPart();
    this.send(fds);
  }

  send(fds?: AttachedFds): void {
    const [from, to] = [this.#from, this.#to];
    if (from === to) return;
    this.#from = to;
    const { bytes, end, inMessage } = this.#splitter;
    const isWhole = to !== end || !inMessage;
    this.#out.pass(bytes.subarray(from, to), isWhole, fds);
  }
}

const NO_FDS: readonly ForeignFd[] = [];

function attachedFds(foreign: readonly ForeignFd[]): AttachedFds {
  return { fds: foreign.map(({ fd }) => fd), close: () => closeAll(foreign) };
}
