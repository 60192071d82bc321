import type { MessageHeader } from "../../../shared/protocols/dbus/message-header.ts";
import { none } from "../../../shared/quirks/quirks.ts";
import type { Quirks } from "../../../shared/quirks/quirks.ts";
import { DRIVER } from "./driver-methods.ts";
import { MatchRules } from "./match-rules.ts";
import { DbusPeers } from "./peers.ts";
import { OWN, SEE, TALK } from "./policy.ts";
import type { DbusPolicy, Level } from "./policy.ts";

/** Most calls of one side that the other has not answered. */
export const MAX_OUTSTANDING = 16_384;
/** Most match rules, as on dbus-daemon's system bus (max_match_rules_per_connection). */
export const MAX_MATCH_RULES = 512;

/** Kinds of replies by their treatment; `own-` ones answer the broker's own calls. */
export type ReplyKind = "any" | "hello" | "names" | "match-added" | "own-list" | "own-owner";

/** A reply that is due from the bus. */
export interface ExpectedReply {
  readonly kind: ReplyKind;
  /**
   * Destination of the call; "" means the bus, which may then leave the sender out of its reply.
   */
  readonly destination: string;
  /** Match rule or name that the call was about. */
  readonly text?: string;
  /** True when the consumer asked for no reply. */
  readonly wasSilent?: boolean;
}

/** The state of one session's filter; see `filter.ts`. */
export class DbusSessionState {
  readonly #policy: DbusPolicy;
  readonly #allowsAll: boolean;
  readonly peers: DbusPeers;
  /** Replies that are due, by the serial of the consumer's or the broker's call. */
  readonly expected = new Map<number, ExpectedReply>();
  readonly matchRules = new MatchRules();
  saidHello = false;
  /** Unique name of the connection; "" until the bus has told it. */
  ownName = "";
  isLearning = false;
  /** True once the consumer has asked for messages to others and may see them. */
  mayReceiveAll = false;
  /** Calls that the consumer has to answer, as `caller serial`. */
  readonly #incoming = new Set<string>();
  #lastSerial = 2 ** 32;

  constructor(policy: DbusPolicy, quirks: Quirks = none) {
    this.#policy = policy;
    this.#allowsAll = quirks.has("dbus-no-filter", "dbus");
    this.peers = new DbusPeers(policy);
  }

  /** A serial for a message of the broker's own, which no unanswered call uses. */
  nextSerial(): number {
    do this.#lastSerial -= 1;
    while (this.expected.has(this.#lastSerial));
    return this.#lastSerial;
  }

  /**
   * Take the `count` highest serials at once, for messages that are already written.
   * @returns false when one of them is in use or was taken before
   */
  takeHighest(count: number): boolean {
    const lowest = 2 ** 32 - count;
    if (this.#lastSerial !== 2 ** 32) return false;
    for (const serial of this.expected.keys()) if (serial >= lowest) return false;
    this.#lastSerial = lowest;
    return true;
  }

  expect(serial: number, reply: ExpectedReply): void {
    this.expected.set(serial, reply);
  }

  /** Forget a call that was passed and is then refused. */
  retract(serial: number): void {
    const { kind, text = "" } = this.expected.get(serial) ?? {};
    this.expected.delete(serial);
    if (kind === "match-added") this.matchRules.drop(text);
  }

  levelOf(name: string): Level {
    if (name === this.ownName) return TALK;
    if (name.startsWith(":")) return this.peers.levelOf(name);
    const level = this.#policy.levelOf(name);
    return name === DRIVER && level < SEE ? SEE : level;
  }

  /** True when the rules allow this message to its destination. */
  maySend(header: MessageHeader): boolean {
    const { destination } = header;
    if (this.#allowsAll || destination === this.ownName) return true;
    if (destination.startsWith(":")) return this.peers.maySend(destination, header);
    return this.#policy.maySend(destination, header);
  }

  /**
   * True for a message to this connection; the bus also delivers eavesdropped messages. A message
   * to the bus's own name is never for the consumer, though rules for `*` mean that name too: a
   * monitor sees calls to the bus, and refusals of the bus's own messages. Before the connection
   * has a name every message is for it: dbus-daemon then addresses it as `:not.active.yet`.
   */
  isAddressed({ destination }: MessageHeader): boolean {
    if (destination === "" || this.ownName === "" || destination === this.ownName) return true;
    if (destination.startsWith(":") || destination === DRIVER) return false;
    return this.#policy.levelOf(destination) === OWN;
  }

  /** True when a reply comes from the callee, or from the bus in its place. */
  isFromCallee({ destination }: ExpectedReply, sender: string): boolean {
    if (sender === DRIVER || sender === destination) return true;
    if (destination === "" || destination === DRIVER || destination.startsWith(":")) return false;
    return !this.#policy.isTracked(destination) || this.peers.hasOwned(sender, destination);
  }

  addIncomingCall(sender: string, serial: number): void {
    if (this.#incoming.size >= MAX_OUTSTANDING) {
      const [oldest = ""] = this.#incoming;
      this.#incoming.delete(oldest);
    }
    this.#incoming.add(`${sender} ${serial}`);
  }

  takeIncomingCall(sender: string, serial: number): boolean {
    return this.#incoming.delete(`${sender} ${serial}`);
  }
}
