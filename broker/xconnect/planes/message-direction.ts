import type { FdType } from "../../shared/formats/fd-types.ts";
import type { MessageCredentials } from "../../shared/linux/control-message.ts";
import { SystemCallError } from "../../shared/linux/errno.ts";
import { PACKET_LIMIT } from "../../shared/linux/message-socket.ts";
import type { MessageSocket, Received } from "../../shared/linux/message-socket.ts";
import type { Quirks } from "../../shared/quirks/quirks.ts";
import { closeAll, judged, mayReceiveForeign, refusedAmong } from "./foreign-fds.ts";
import type { ForeignFd } from "./foreign-fds.ts";
import { holdFds, mayHoldMore } from "./held-fds.ts";

/** An act of a peer that ends its session; the text is for the log. */
export class Violation extends Error {
  override readonly name = "Violation";
}

/** Identity of the consumer as the provider sees it in control messages. */
export interface MessageIdentity {
  readonly credentials: MessageCredentials;
  /** Descriptor that is sent with the first message; not owned. */
  readonly handle: number;
}

export interface DirectionOptions {
  readonly source: MessageSocket;
  readonly sink: MessageSocket;
  /** Fd types that may pass. */
  readonly allowed: ReadonlySet<FdType>;
  readonly quirks: Quirks;
  /** Message of the broker's own that is sent before all others. */
  readonly preamble?: Buffer | undefined;
  readonly identity?: MessageIdentity | undefined;
  /** Called with the number of bytes of each message that came from the source. */
  readonly onBytes: (count: number) => void;
}

/** Most messages that are carried before other sessions get their turn. */
const MESSAGES_PER_TURN = 32;

/** A message on its way. */
export interface Message {
  readonly bytes: Buffer;
  /** Descriptors of the message; this side closes them. */
  readonly fds: readonly ForeignFd[];
}

/**
 * One direction of a session: messages from `source` to `sink`, with their fds, in order. At
 * most one message is held; nothing more is read until the sink has taken it.
 */
export class MessageDirection {
  readonly #options: DirectionOptions;
  #held: Message | undefined;
  /** Share in the number of held fds, while the sink has no room for the held message. */
  #holding: Disposable | undefined;
  #handle: number | undefined;
  #hasEnded = false;
  #isDone = false;

  constructor(options: DirectionOptions) {
    this.#options = options;
    this.#handle = options.identity?.handle;
    const { preamble } = options;
    if (preamble !== undefined) this.#held = { bytes: preamble, fds: [] };
  }

  /** True when the end has been passed on, or the sink takes no more. */
  get isDone(): boolean {
    return this.#isDone;
  }

  /**
   * Carry what can be carried now.
   * @returns "again" when there may be more now, "wait" when an edge of either socket has to come
   * @throws Violation, SystemCallError
   */
  pump(): "again" | "wait" {
    for (let turn = 0; turn < MESSAGES_PER_TURN; turn += 1) {
      if (this.#isDone || !this.#flush()) return "wait";
      if (this.#hasEnded) {
        this.#options.sink.endWriting();
        this.#isDone = true;
        return "wait";
      }
      const received = this.#receive();
      if (received === undefined) return "wait";
      if (received.type === "message") this.#take(received);
      else this.sourceEnded();
    }
    // Flush before the turn ends: received bytes are valid only until the socket's next receive.
    return this.#flush() ? "again" : "wait";
  }

  /** Stop because the sink reads no more: the source's next write fails with EPIPE. */
  breakOff(): void {
    if (this.#isDone) return;
    this.#isDone = true;
    this.drop();
    this.#options.source.endReading();
  }

  /** Stop, and close the held descriptors. */
  close(): void {
    this.#isDone = true;
    this.drop();
  }

  protected hold(message: Message): void {
    this.#held = message;
  }

  protected sourceEnded(): void {
    this.#hasEnded = true;
  }

  protected drop(): void {
    this.#letGo(this.#held?.fds ?? []);
    this.#held = undefined;
  }

  #receive(): Received | undefined {
    const { source, sink, allowed } = this.#options;
    // An edge of the sink will come when it has room.
    if (allowed.size > 0 && !mayHoldMore() && !sink.hasRoom()) return undefined;
    try {
      // `exact` keeps fds at their byte; without allowed types no fd may pass anyway.
      return source.receive({ exact: allowed.size > 0, withFds: mayReceiveForeign() });
    } catch (error) {
      // ECONNRESET: the peer has closed without reading all that it was sent.
      if (error instanceof SystemCallError && error.code === "ECONNRESET") return { type: "end" };
      throw error;
    }
  }

  #take(received: Extract<Received, { type: "message" }>): void {
    const { quirks, onBytes } = this.#options;
    onBytes(received.bytes.length);
    const all = judged(received.fds);
    const isDropped = quirks.has("unix-drop-fds", "unix");
    if (isDropped) closeAll(all);
    const fds = isDropped ? [] : all;
    try {
      this.#judge(received, fds);
    } catch (error) {
      closeAll(fds);
      throw error;
    }
    this.hold({ bytes: received.bytes, fds });
  }

  /** @throws Violation */
  #judge({ isCut, hasLostFds }: { isCut: boolean; hasLostFds: boolean }, fds: ForeignFd[]): void {
    const { allowed, quirks } = this.#options;
    if (isCut) throw new Violation(`a packet of more than ${PACKET_LIMIT} bytes`);
    if (hasLostFds) throw new Violation("fds for which the broker has no room");
    if (quirks.has("fd-type-unchecked", "unix")) return;
    const refused = refusedAmong(fds, allowed);
    if (refused !== undefined) throw new Violation(`an fd that may not pass (${refused})`);
  }

  /** @returns false when the sink takes no more now */
  #flush(): boolean {
    while (this.#held !== undefined) {
      const { bytes, fds } = this.#held;
      const sent = this.#send(this.#held);
      if (sent === "broken") {
        this.breakOff();
        return true;
      }
      if (sent === undefined) {
        // Copy the bytes: they are valid only until the socket's next receive.
        this.#held = { bytes: Buffer.from(bytes), fds };
        this.#holding ??= holdFds(fds.length);
        return false;
      }
      this.#letGo(fds);
      const rest = bytes.subarray(sent);
      this.#held = rest.length > 0 ? { bytes: Buffer.from(rest), fds: [] } : undefined;
    }
    return true;
  }

  #send({ bytes, fds }: Message): number | "broken" | undefined {
    const { sink, identity } = this.#options;
    const handles = this.#handle === undefined ? [] : [this.#handle];
    try {
      const sent = sink.send(bytes, {
        fds: [...handles, ...fds.map(({ fd }) => fd)],
        credentials: identity?.credentials,
      });
      if (sent !== undefined) this.#handle = undefined;
      return sent;
    } catch (error) {
      if (!(error instanceof SystemCallError)) throw error;
      if (["EPIPE", "ECONNRESET", "ENOTCONN"].includes(error.code)) return "broken";
      throw new Violation(
        `a message of ${bytes.length} bytes and ${fds.length} fds: ${error.code}`,
      );
    }
  }

  #letGo(fds: readonly ForeignFd[]): void {
    closeAll(fds);
    this.#holding?.[Symbol.dispose]();
    this.#holding = undefined;
  }
}
