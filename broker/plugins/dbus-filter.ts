import { stringArguments } from "../protocols/dbus/message-body.ts";
import {
  ERROR,
  FLAGS_AT,
  METHOD_CALL,
  METHOD_RETURN,
  NO_REPLY_EXPECTED,
  SIGNAL,
  isReplyInDisguise,
} from "../protocols/dbus/message-header.ts";
import type { MessageHeader } from "../protocols/dbus/message-header.ts";
import { eavesdrops, parseMatchRule } from "../protocols/dbus/match-rule.ts";
import { boolean } from "../protocols/dbus/write-message.ts";
import type { Quirks } from "../quirks/quirks.ts";
import { DbusBusSide } from "./dbus-bus-side.ts";
import { describe } from "./dbus-description.ts";
import { DRIVER, driverMethod } from "./dbus-driver-methods.ts";
import { METADATA_INTERFACE, driverError, driverReply } from "./dbus-made-messages.ts";
import { HIDDEN, OWN, SEE, TALK } from "./dbus-policy.ts";
import type { DbusPolicy } from "./dbus-policy.ts";
import { DbusSessionState, MAX_MATCH_RULES, MAX_OUTSTANDING } from "./dbus-session-state.ts";
import type { ReplyKind } from "./dbus-session-state.ts";
import { DROP, PASS } from "./dbus-verdict.ts";
import type { Verdict } from "./dbus-verdict.ts";

export interface FilterOptions {
  readonly policy: DbusPolicy;
  readonly quirks: Quirks;
  /** The consumer's name and role, for the provider. */
  readonly client: string;
  readonly role: string;
}

/**
 * Decides on each message of one session; no I/O. The model is xdg-dbus-proxy's.
 *
 * Trust. The consumer is hostile: everything it sends is judged, and nothing it sends may
 * confuse what is known of it. The provider's bus is believed in what only a bus can know (who
 * sent a message, who owns a name, our own unique name): a provider that lies about its own
 * bus deceives nobody but its clients. Other connections of that bus are not trusted with more
 * than the rules say, except that whoever sends the consumer a message becomes visible to it.
 *
 *     connected ──Hello──▶ asking ──own name, owners of the rules' names──▶ open ──▶ monitoring
 *
 * Rules speak of well-known names, messages come from unique ones. So right behind the
 * consumer's Hello the broker asks the bus for the owners of the names that the rules hold,
 * and follows NameOwnerChanged. The bus answers in order: they are known before anything that
 * the consumer asked later. Only for a rule with `.*` the consumer is held until the bus has
 * listed its names (`isHeld`).
 *
 * The calls made here have serials from the top of the range; the consumer's own are passed on
 * as they are. A call with the serial of one that is still unanswered is refused, as by
 * dbus-daemon, since its reply would be taken for the other's.
 */
export class DbusFilter {
  readonly #policy: DbusPolicy;
  readonly #quirks: Quirks;
  readonly #state: DbusSessionState;
  readonly #bus: DbusBusSide;

  constructor(options: FilterOptions) {
    this.#policy = options.policy;
    this.#quirks = options.quirks;
    this.#state = new DbusSessionState(options.policy);
    this.#bus = new DbusBusSide(this.#state, options);
  }

  /** Whether messages of the consumer are to wait, until the bus has answered. */
  get isHeld(): boolean {
    return this.#state.isLearning;
  }

  /** Calls to the bus itself are judged by their arguments. */
  readonly wantsConsumerBody = (header: MessageHeader): boolean =>
    header.type === METHOD_CALL && isForDriver(header);

  readonly wantsBusBody = (header: MessageHeader): boolean => this.#bus.wantsBody(header);

  /** @param start of the message in `bytes`; its flags may be changed there */
  fromConsumer(header: MessageHeader, bytes: Buffer, start: number): Verdict {
    if (isMetadata(header.interface)) return this.#deny(header);
    if (isReplyInDisguise(header)) return this.#deny(header, "it says that it is a reply");
    switch (header.type) {
      case METHOD_CALL:
        return this.#onCall(header, bytes, start);
      case METHOD_RETURN:
      case ERROR:
        return this.#state.takeIncomingCall(header.destination, header.replySerial) ? PASS : DROP;
      case SIGNAL:
        return this.#onSignal(header);
      default:
        return DROP;
    }
  }

  /** @throws MalformedMessage */
  fromBus(header: MessageHeader, bytes: Buffer, start: number): Verdict {
    return this.#bus.take(header, bytes, start);
  }

  /**
   * Instead of the PASS of a message of the consumer's: it comes with an fd that may not pass.
   * @param what the fd is
   */
  refuseFds(header: MessageHeader, what: string): Verdict {
    const why = `an fd that may not pass (${what})`;
    const denied = `${describe(header)}: ${why}`;
    if (header.type === METHOD_CALL) {
      this.#state.retract(header.serial);
      return { ...this.#deny(header, why), denied };
    }
    if (header.type === SIGNAL) return { ...DROP, denied };
    const { destination, replySerial } = header;
    return { ...DROP, denied, toBus: [this.#bus.failure(destination, replySerial, why)] };
  }

  /** The same for a message of the bus. */
  refuseBusFds(header: MessageHeader, what: string): Verdict {
    return this.#bus.refuseFds(header, `an fd that may not pass (${what})`);
  }

  #onCall(header: MessageHeader, bytes: Buffer, start: number): Verdict {
    if (this.#state.expected.has(header.serial)) {
      return this.#deny(header, "its serial is that of a call without reply yet");
    }
    if (this.#state.expected.size >= MAX_OUTSTANDING) {
      return this.#answer(header, "LimitsExceeded", "too many calls without reply yet");
    }
    if (isForDriver(header)) return this.#onDriverCall(header, bytes, start);
    if (!this.#maySend(header)) return this.#deny(header);
    return this.#pass(header, "any");
  }

  /** Signals for everybody are for services; those for one name follow its rules. */
  #onSignal(header: MessageHeader): Verdict {
    const may = header.destination === "" ? this.#policy.isService : this.#maySend(header);
    return may ? PASS : { ...DROP, denied: describe(header) };
  }

  #onDriverCall(header: MessageHeader, bytes: Buffer, start: number): Verdict {
    const method = driverMethod(header.interface, header.member);
    switch (method) {
      case "pass":
        return this.#pass(header, "any");
      case "list":
        return this.#pass(header, "names");
      case "hello":
        if (this.#state.saidHello || isRefused(header)) return this.#pass(header, "any");
        // Buses answer it even when it asks for no answer.
        this.#state.expect(header.serial, { kind: "hello", destination: DRIVER });
        return { ...PASS, toBus: this.#bus.begin() };
      case "monitor":
        if (!this.#policy.mayMonitor) return this.#deny(header);
        this.#state.mayReceiveAll = true;
        return this.#pass(header, "any");
      case "by-rule":
        return this.#maySend({ ...header, destination: DRIVER })
          ? this.#pass(header, "any")
          : this.#deny(header);
      default: {
        const [text] = stringArguments(header, bytes, start, 1) ?? [];
        if (text === undefined) return this.#answer(header, "InvalidArgs", "expected a string");
        if (method === "add-match") return this.#onAddMatch(header, text, bytes, start);
        if (method === "remove-match") return this.#onRemoveMatch(header, text);
        return this.#onNameCall(header, method, text);
      }
    }
  }

  #onNameCall(
    header: MessageHeader,
    method: "own" | "queue" | "has-owner" | "owner" | "credentials" | "start",
    name: string,
  ): Verdict {
    const level = this.#state.levelOf(name);
    const isVisible = level >= SEE || this.#bus.namesLeak;
    const hasNoOwner = () =>
      this.#answer(header, "NameHasNoOwner", `Could not get owner of name '${name}': no such name`);
    switch (method) {
      case "own":
        if (level < OWN && !this.#quirks.has("dbus-own-allowed", "dbus")) return this.#deny(header);
        break;
      case "queue":
        if (!isVisible) return hasNoOwner();
        if (level < OWN) return this.#deny(header);
        break;
      case "has-owner":
        if (!isVisible)
          return this.#reply(header, driverReply(this.#answered(header), boolean(false)));
        break;
      case "owner":
      case "credentials":
        if (!isVisible) return hasNoOwner();
        break;
      case "start":
        if (level === HIDDEN) {
          return this.#answer(header, "ServiceUnknown", `The name ${name} is not activatable`);
        }
        if (level < TALK) return this.#deny(header);
    }
    return this.#pass(header, "any");
  }

  #onAddMatch(header: MessageHeader, text: string, bytes: Buffer, start: number): Verdict {
    const rule = parseMatchRule(text);
    if (rule === undefined) return this.#answer(header, "MatchRuleInvalid", "Invalid match rule");
    if (eavesdrops(rule)) {
      if (!this.#policy.mayMonitor) return this.#deny(header, "it asks for messages of others");
      this.#state.mayReceiveAll = true;
    }
    if (this.#state.matchRules.size >= MAX_MATCH_RULES) {
      return this.#answer(header, "LimitsExceeded", "too many match rules");
    }
    // Whether the bus takes it has to be seen.
    const wasSilent = (header.flags & NO_REPLY_EXPECTED) !== 0;
    bytes[start + FLAGS_AT] = header.flags & ~NO_REPLY_EXPECTED;
    this.#state.matchRules.ask(text);
    this.#state.expect(header.serial, {
      kind: "match-added",
      destination: DRIVER,
      text,
      wasSilent,
    });
    return PASS;
  }

  /** Those that the broker has added are not the consumer's to remove. */
  #onRemoveMatch(header: MessageHeader, text: string): Verdict {
    if (!this.#state.matchRules.remove(text)) {
      return this.#answer(header, "MatchRuleNotFound", "The given match rule wasn't found");
    }
    return this.#pass(header, "any");
  }

  #maySend(header: MessageHeader): boolean {
    return this.#state.maySend(header) || this.#quirks.has("dbus-no-filter", "dbus");
  }

  #pass({ serial, flags, destination }: MessageHeader, kind: ReplyKind): Verdict {
    if ((flags & NO_REPLY_EXPECTED) === 0) this.#state.expect(serial, { kind, destination });
    return PASS;
  }

  #deny(header: MessageHeader, why = "the link's rules do not allow it"): Verdict {
    const what = describe(header);
    if (header.type !== METHOD_CALL) return { ...DROP, denied: what };
    return { ...this.#answer(header, "AccessDenied", `${what}: ${why}`), denied: what };
  }

  #answer(header: MessageHeader, error: string, text: string): Verdict {
    return this.#reply(header, driverError(this.#answered(header), error, text));
  }

  #reply({ flags }: MessageHeader, reply: Buffer): Verdict {
    return (flags & NO_REPLY_EXPECTED) === 0 ? { ...DROP, toConsumer: reply } : DROP;
  }

  #answered({ serial }: MessageHeader) {
    const { ownName } = this.#state;
    return { replySerial: serial, serial, destination: ownName };
  }
}

/** A call without destination is for the bus, if for anyone. */
function isForDriver({ destination }: MessageHeader): boolean {
  return destination === DRIVER || destination === "";
}

/** A Hello that no bus takes: anything but another Hello behind it would end the connection. */
function isRefused({ destination, signature }: MessageHeader): boolean {
  return destination === "" || signature !== "";
}

function isMetadata(name: string): boolean {
  return name === METADATA_INTERFACE || name.startsWith(`${METADATA_INTERFACE}.`);
}
