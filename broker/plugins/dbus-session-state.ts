import type { MessageHeader } from "../protocols/dbus/message-header.ts";
import { DRIVER } from "./dbus-driver-methods.ts";
import { MatchRules } from "./dbus-match-rules.ts";
import { DbusPeers } from "./dbus-peers.ts";
import { OWN, SEE, TALK } from "./dbus-policy.ts";
import type { DbusPolicy, Level } from "./dbus-policy.ts";

/** Calls of one side that the other has not answered. */
export const MAX_OUTSTANDING = 16_384;
/** As dbus-daemon's system bus (max_match_rules_per_connection). */
export const MAX_MATCH_RULES = 512;

/** How a reply is to be treated. */
export type ReplyKind = "any" | "hello" | "names" | "match-added" | "own-list" | "own-owner";

/** An answer that is due from the bus. */
export interface ExpectedReply {
  readonly kind: ReplyKind;
  /** Whom the call was for; "" is the bus, which then may leave itself out of the answer, too. */
  readonly destination: string;
  /** The match rule or the name that was asked about. */
  readonly text?: string;
  /** The consumer does not want this answer. */
  readonly wasSilent?: boolean;
}

/** What is known in one session; see `dbus-filter.ts`. */
export class DbusSessionState {
  readonly #policy: DbusPolicy;
  readonly peers: DbusPeers;
  /** By serial of the call, which the consumer or the broker has made. */
  readonly expected = new Map<number, ExpectedReply>();
  readonly matchRules = new MatchRules();
  saidHello = false;
  /** The connection's unique name; "" until the bus has said it. */
  ownName = "";
  isLearning = false;
  /** The consumer has asked for messages that are not for it, and may. */
  mayReceiveAll = false;
  /** Calls that the consumer is to answer: caller and serial. */
  readonly #incoming = new Set<string>();
  #lastSerial = 2 ** 32;

  constructor(policy: DbusPolicy) {
    this.#policy = policy;
    this.peers = new DbusPeers(policy);
  }

  /** For a message of the broker's own: one that no call without reply has. */
  nextSerial(): number {
    do this.#lastSerial -= 1;
    while (this.expected.has(this.#lastSerial));
    return this.#lastSerial;
  }

  /**
   * So many of the highest serials at once, for messages that are written already.
   * @returns false when one of them is in use, or was given away before
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

  /** The call goes to nobody after all. */
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

  /** Whether rules allow this for its destination. */
  maySend(header: MessageHeader): boolean {
    const { destination } = header;
    if (destination === this.ownName) return true;
    if (destination.startsWith(":")) return this.peers.maySend(destination, header);
    return this.#policy.maySend(destination, header);
  }

  /**
   * Whether it is for this connection; the bus also delivers what is eavesdropped. The bus's own
   * name is nobody's, though rules for `*` mean it, too: what a monitor sees of calls to it, and
   * of the bus's refusals of its own messages, is for others. Before it has a name there is
   * nothing for others: dbus-daemon then calls it `:not.active.yet`.
   */
  isAddressed({ destination }: MessageHeader): boolean {
    if (destination === "" || this.ownName === "" || destination === this.ownName) return true;
    if (destination.startsWith(":") || destination === DRIVER) return false;
    return this.#policy.levelOf(destination) === OWN;
  }

  /** Whether a reply comes from whom the call was for, or from the bus in its place. */
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
