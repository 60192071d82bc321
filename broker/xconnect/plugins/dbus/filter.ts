import {
  ERROR,
  METHOD_CALL,
  METHOD_RETURN,
  SIGNAL,
  isReplyInDisguise,
} from "../../../shared/protocols/dbus/message-header.ts";
import type { MessageHeader } from "../../../shared/protocols/dbus/message-header.ts";
import { DbusCallDecisions } from "./call-decisions.ts";
import { DbusBusSide } from "./bus-side.ts";
import { describe, fdRefusal } from "./description.ts";
import { DbusDriverCalls } from "./driver-calls.ts";
import { DRIVER } from "./driver-methods.ts";
import type { FilterOptions } from "./filter-options.ts";
import type { DbusJudge } from "./judge.ts";
import { METADATA_INTERFACE } from "./made-messages.ts";
import { DbusSessionState, MAX_OUTSTANDING } from "./session-state.ts";
import { DROP, PASS } from "./decision.ts";
import type { Decision } from "./decision.ts";

/**
 * Decides on each message of one session, without I/O. The model is xdg-dbus-proxy's.
 *
 * Trust: the consumer is hostile. Each of its messages is judged, and none may corrupt the
 * session's state. The provider's bus is trusted in facts that only a bus can know (the sender of a
 * message, the owner of a name, our unique name): a provider that lies about its own bus deceives
 * only its own clients. Other connections of that bus have the rights that the rules give them; a
 * connection that sends the consumer a message becomes visible to it.
 *
 *     connected ──Hello──▶ asking ──own name, owners of the rules' names──▶ open ──▶ monitoring
 *
 * Rules name well-known names, but messages come from unique names. So right behind the consumer's
 * Hello the broker asks the bus for the owners of the names in the rules, and follows
 * NameOwnerChanged. The bus answers in order, so the owners are known before the replies to the
 * consumer's later calls. Only a rule with `.*` holds the consumer's messages until the bus has
 * listed its names (`isHeld`).
 *
 * The broker's own calls take serials from the top of the range; the consumer's serials are passed
 * on unchanged. A call with the serial of an unanswered call is refused, as by dbus-daemon, since
 * their replies could not be told apart.
 */
export class DbusFilter implements DbusJudge {
  readonly #options: FilterOptions;
  readonly #state: DbusSessionState;
  /** Judge of the messages that come from the bus. */
  readonly bus: DbusBusSide;
  readonly #calls: DbusCallDecisions;
  readonly #driverCalls: DbusDriverCalls;

  constructor(options: FilterOptions) {
    this.#options = options;
    this.#state = new DbusSessionState(options.policy, options.quirks);
    this.bus = new DbusBusSide(this.#state, options);
    this.#calls = new DbusCallDecisions(this.#state);
    this.#driverCalls = new DbusDriverCalls(options, this.#state, this.bus, this.#calls);
  }

  /** True while messages of the consumer have to wait for an answer of the bus. */
  get isHeld(): boolean {
    return this.#state.isLearning;
  }

  /** True for a call to the bus itself, which is judged by its arguments. */
  wantsBody(header: MessageHeader): boolean {
    return header.type === METHOD_CALL && isForDriver(header);
  }

  judge(header: MessageHeader, bytes: Buffer, start: number): Decision {
    if (isMetadata(header.interface)) return this.#calls.deny(header);
    if (isReplyInDisguise(header)) return this.#calls.deny(header, "it says that it is a reply");
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

  refuseFds(header: MessageHeader, what: string): Decision {
    const why = fdRefusal(what);
    const denied = `${describe(header)}: ${why}`;
    if (header.type === METHOD_CALL) {
      this.#state.retract(header.serial);
      return { ...this.#calls.deny(header, why), denied };
    }
    if (header.type === SIGNAL) return { ...DROP, denied };
    const { destination, replySerial } = header;
    return { ...DROP, denied, toBus: [this.bus.failure(destination, replySerial, why)] };
  }

  #onCall(header: MessageHeader, bytes: Buffer, start: number): Decision {
    if (this.#state.expected.has(header.serial)) {
      return this.#calls.deny(header, "its serial is that of a call without reply yet");
    }
    if (this.#state.expected.size >= MAX_OUTSTANDING) {
      return this.#calls.fail(header, "LimitsExceeded", "too many calls without reply yet");
    }
    if (isForDriver(header)) return this.#driverCalls.judge(header, bytes, start);
    return this.#state.maySend(header) ? this.#calls.pass(header) : this.#calls.deny(header);
  }

  /** Broadcast signals pass for services only; a signal to one name passes by that name's rules. */
  #onSignal(header: MessageHeader): Decision {
    const may =
      header.destination === "" ? this.#options.policy.isService : this.#state.maySend(header);
    return may ? PASS : { ...DROP, denied: describe(header) };
  }
}

/** True for a call to the bus; only the bus answers a call without destination. */
function isForDriver({ destination }: MessageHeader): boolean {
  return destination === DRIVER || destination === "";
}

function isMetadata(name: string): boolean {
  return name === METADATA_INTERFACE || name.startsWith(`${METADATA_INTERFACE}.`);
}
