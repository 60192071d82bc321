import {
  stringArguments,
  stringArrayArgument,
} from "../../../shared/protocols/dbus/message-body.ts";
import {
  ERROR,
  METHOD_CALL,
  METHOD_RETURN,
  NO_REPLY_EXPECTED,
  SIGNAL,
  isReplyInDisguise,
} from "../../../shared/protocols/dbus/message-header.ts";
import type { MessageHeader } from "../../../shared/protocols/dbus/message-header.ts";
import { isWellKnownName } from "../../../shared/formats/bus-name.ts";
import { isUniqueName } from "../../../shared/protocols/dbus/names.ts";
import { stringArray } from "../../../shared/protocols/dbus/write-message.ts";
import type { Quirks } from "../../../shared/quirks/quirks.ts";
import { fdRefusal } from "./description.ts";
import { DRIVER } from "./driver-methods.ts";
import type { FilterOptions } from "./filter-options.ts";
import type { DbusJudge } from "./judge.ts";
import { consumerError, driverError, driverReply } from "./made-messages.ts";
import { introduction, opening, question } from "./opening.ts";
import { SEE } from "./policy.ts";
import type { DbusPolicy } from "./policy.ts";
import type { DbusSessionState, ExpectedReply } from "./session-state.ts";
import { DROP, PASS } from "./decision.ts";
import type { Decision } from "./decision.ts";

/** Most names below a `.*` whose owners are asked for when a session begins. */
const MAX_ASKED = 1_024;

/** The half of the filter that faces the provider's bus; see `filter.ts`. */
export class DbusBusSide implements DbusJudge {
  readonly isHeld = false;
  readonly #state: DbusSessionState;
  readonly #policy: DbusPolicy;
  readonly #quirks: Quirks;
  readonly #options: FilterOptions;
  readonly namesLeak: boolean;

  constructor(state: DbusSessionState, options: FilterOptions) {
    const { policy, quirks } = options;
    this.#state = state;
    this.#policy = policy;
    this.#quirks = quirks;
    this.#options = options;
    this.namesLeak = quirks.has("dbus-names-leak", "dbus");
  }

  /** The broker's own messages that follow the consumer's Hello. */
  begin(): readonly Buffer[] {
    this.#state.saidHello = true;
    this.#state.isLearning = this.#policy.tracked.some(({ withChildren }) => withChildren);
    return opening(this.#options, this.#state);
  }

  wantsBody(header: MessageHeader): boolean {
    if (header.replySerial === 0) return isNameOwnerChanged(header);
    // A peer may guess a serial, or a monitor overhears it; a peer's message may be too large to
    // hold.
    if (header.type !== METHOD_RETURN || !isOfBus(header)) return false;
    const { kind = "any" } = this.#state.expected.get(header.replySerial) ?? {};
    return kind !== "any";
  }

  judge(header: MessageHeader, bytes: Buffer, start: number): Decision {
    const decision = this.#decide(header, bytes, start);
    // A connection that writes to the consumer becomes visible to it.
    if (decision.pass && header.sender.startsWith(":")) this.#state.peers.seen(header.sender);
    return decision;
  }

  /**
   * The decision on a message with fds that may not pass: a peer that waits for a reply gets an
   * error.
   */
  refuseFds(
    { type, sender, serial, replySerial, destination }: MessageHeader,
    what: string,
  ): Decision {
    const why = fdRefusal(what);
    const denied = `a message of ${sender} to ${destination || "all"}: ${why}`;
    if (type === METHOD_RETURN || type === ERROR) {
      const instead = driverError({ serial, replySerial, destination }, "AccessDenied", why);
      return { ...DROP, denied, instead };
    }
    const isAwaited = type === METHOD_CALL && this.#state.takeIncomingCall(sender, serial);
    return { ...DROP, denied, ...(isAwaited && { toBus: [this.failure(sender, serial, why)] }) };
  }

  /** An error in place of the consumer's reply, for the peer that waits for it. */
  failure(destination: string, replySerial: number, text: string): Buffer {
    const address = { destination, replySerial, serial: this.#state.nextSerial() };
    return consumerError(address, "AccessDenied", text);
  }

  #decide(header: MessageHeader, bytes: Buffer, start: number): Decision {
    if (isReplyInDisguise(header)) {
      return this.#state.isAddressed(header) ? DROP : this.#eavesdropped();
    }
    switch (header.type) {
      case METHOD_RETURN:
      case ERROR:
        return this.#onReply(header, bytes, start);
      case METHOD_CALL:
        return this.#onCall(header);
      case SIGNAL:
        return this.#onSignal(header, bytes, start);
      default:
        return DROP;
    }
  }

  #onReply(header: MessageHeader, bytes: Buffer, start: number): Decision {
    const expected = this.#state.expected.get(header.replySerial);
    // The reply to Hello is addressed to our name before we know that name.
    const isOurs = expected?.kind === "hello" || this.#state.isAddressed(header);
    if (!isOurs) return this.#eavesdropped();
    if (expected === undefined || !this.#state.isFromCallee(expected, header.sender)) {
      if (this.#quirks.has("dbus-replies-unmatched", "dbus")) return PASS;
      // A name that the consumer may own can belong to another connection now.
      return header.destination === this.#state.ownName ? DROP : this.#eavesdropped();
    }
    this.#state.expected.delete(header.replySerial);
    if (expected.kind === "any") return PASS;
    return header.type === METHOD_RETURN
      ? this.#onReturn(expected, header, bytes, start)
      : this.#onFailure(expected);
  }

  #onFailure({ kind, text = "", wasSilent = false }: ExpectedReply): Decision {
    if (kind === "match-added") this.#state.matchRules.drop(text);
    if (kind === "own-list") this.#state.isLearning = false;
    return kind.startsWith("own-") || wasSilent ? DROP : PASS;
  }

  #onReturn(
    { kind, text = "", wasSilent = false }: ExpectedReply,
    header: MessageHeader,
    bytes: Buffer,
    start: number,
  ): Decision {
    switch (kind) {
      case "hello": {
        const [name = ""] = stringArguments(header, bytes, start, 1) ?? [];
        if (isUniqueName(name)) this.#state.ownName = name;
        return PASS;
      }
      case "match-added":
        this.#state.matchRules.take(text);
        return wasSilent ? DROP : PASS;
      case "names":
        return this.#onNames(header, stringArrayArgument(header, bytes, start));
      case "own-list":
        return this.#onOwnList(stringArrayArgument(header, bytes, start) ?? []);
      case "own-owner": {
        const [owner = ""] = stringArguments(header, bytes, start, 1) ?? [];
        if (isUniqueName(owner)) this.#state.peers.owns(owner, text);
        return DROP;
      }
      case "any":
        return PASS;
    }
  }

  #onNames(header: MessageHeader, names: readonly string[] | undefined): Decision {
    if (names === undefined) return DROP;
    const { serial, replySerial, destination } = header;
    const visible = names.filter((name) => this.#isVisible(name));
    return {
      ...DROP,
      instead: driverReply({ serial, replySerial, destination }, stringArray(visible)),
    };
  }

  #onOwnList(names: readonly string[]): Decision {
    this.#state.isLearning = false;
    const below = names.filter((name) => isWellKnownName(name) && this.#policy.isTracked(name));
    const exact = new Set(
      this.#policy.tracked.map(({ name, withChildren }) => (withChildren ? "" : name)),
    );
    const asked = below.filter((name) => !exact.has(name)).slice(0, MAX_ASKED);
    return { ...DROP, toBus: asked.flatMap((name) => question(this.#options, this.#state, name)) };
  }

  #onCall(header: MessageHeader): Decision {
    if (!this.#state.isAddressed(header)) return this.#eavesdropped();
    if ((header.flags & NO_REPLY_EXPECTED) === 0) {
      this.#state.addIncomingCall(header.sender, header.serial);
    }
    return PASS;
  }

  #onSignal(header: MessageHeader, bytes: Buffer, start: number): Decision {
    if (isNameOwnerChanged(header)) return this.#onNameOwnerChanged(header, bytes, start);
    if (!this.#state.isAddressed(header)) return this.#eavesdropped();
    return this.#mayHear(header) ? PASS : this.#eavesdropped();
  }

  #onNameOwnerChanged(header: MessageHeader, bytes: Buffer, start: number): Decision {
    const change = stringArguments(header, bytes, start, 3);
    if (change === undefined) return DROP;
    const [name = "", former = "", owner = ""] = change;
    const isVisible = this.#isVisible(name);
    const toBus: Buffer[] = [];
    if (name.startsWith(":")) {
      if (owner === "") this.#state.peers.forget(name);
    } else if (this.#policy.isTracked(name)) {
      this.#state.peers.releases(former, name);
      if (isUniqueName(owner)) {
        this.#state.peers.owns(owner, name);
        const nextSerial = () => this.#state.nextSerial();
        toBus.push(...introduction(this.#options, nextSerial, { name, destination: owner }));
      }
    }
    return { pass: isVisible || this.#state.mayReceiveAll, toBus };
  }

  /**
   * True when the consumer may hear this signal. A signal to it alone must come from a connection
   * that it may see, unless the consumer is a service.
   */
  #mayHear(header: MessageHeader): boolean {
    const { sender } = header;
    if (sender === DRIVER) return true;
    const may =
      header.destination === ""
        ? this.#state.peers.mayHear(sender, header)
        : this.#policy.isService || this.#state.levelOf(sender) >= SEE;
    return may || sender === this.#state.ownName || this.#quirks.has("dbus-signals-leak", "dbus");
  }

  #isVisible(name: string): boolean {
    return this.#state.levelOf(name) >= SEE || this.namesLeak;
  }

  #eavesdropped(): Decision {
    return this.#state.mayReceiveAll ? PASS : DROP;
  }
}

/**
 * True for a message of the bus, which leaves its sender out when it answers a call without
 * destination.
 */
function isOfBus({ sender }: MessageHeader): boolean {
  return sender === DRIVER || sender === "";
}

function isNameOwnerChanged({ type, sender, interface: of, member }: MessageHeader): boolean {
  return type === SIGNAL && sender === DRIVER && of === DRIVER && member === "NameOwnerChanged";
}
