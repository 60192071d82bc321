import {
  ERROR,
  METHOD_CALL,
  METHOD_RETURN,
  SIGNAL,
  isReplyInDisguise,
} from "../protocols/dbus/message-header.ts";
import type { MessageHeader } from "../protocols/dbus/message-header.ts";
import { DbusAnswers } from "./dbus-answers.ts";
import { DbusBusSide } from "./dbus-bus-side.ts";
import { describe } from "./dbus-description.ts";
import { DbusDriverCalls } from "./dbus-driver-calls.ts";
import { DRIVER } from "./dbus-driver-methods.ts";
import type { FilterOptions } from "./dbus-filter-options.ts";
import { METADATA_INTERFACE } from "./dbus-made-messages.ts";
import { DbusSessionState, MAX_OUTSTANDING } from "./dbus-session-state.ts";
import { DROP, PASS } from "./dbus-verdict.ts";
import type { Verdict } from "./dbus-verdict.ts";

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
  readonly #options: FilterOptions;
  readonly #state: DbusSessionState;
  readonly #bus: DbusBusSide;
  readonly #answers: DbusAnswers;
  readonly #driverCalls: DbusDriverCalls;

  constructor(options: FilterOptions) {
    this.#options = options;
    this.#state = new DbusSessionState(options.policy);
    this.#bus = new DbusBusSide(this.#state, options);
    this.#answers = new DbusAnswers(this.#state);
    this.#driverCalls = new DbusDriverCalls(options, this.#state, this.#bus, this.#answers);
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
    if (isMetadata(header.interface)) return this.#answers.deny(header);
    if (isReplyInDisguise(header)) return this.#answers.deny(header, "it says that it is a reply");
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
      return { ...this.#answers.deny(header, why), denied };
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
      return this.#answers.deny(header, "its serial is that of a call without reply yet");
    }
    if (this.#state.expected.size >= MAX_OUTSTANDING) {
      return this.#answers.fail(header, "LimitsExceeded", "too many calls without reply yet");
    }
    if (isForDriver(header)) return this.#driverCalls.judge(header, bytes, start, this.#maySend);
    return this.#maySend(header) ? this.#answers.pass(header) : this.#answers.deny(header);
  }

  /** Signals for everybody are for services; those for one name follow its rules. */
  #onSignal(header: MessageHeader): Verdict {
    const may = header.destination === "" ? this.#options.policy.isService : this.#maySend(header);
    return may ? PASS : { ...DROP, denied: describe(header) };
  }

  readonly #maySend = (header: MessageHeader): boolean =>
    this.#state.maySend(header) || this.#options.quirks.has("dbus-no-filter", "dbus");
}

/** A call without destination is for the bus, if for anyone. */
function isForDriver({ destination }: MessageHeader): boolean {
  return destination === DRIVER || destination === "";
}

function isMetadata(name: string): boolean {
  return name === METADATA_INTERFACE || name.startsWith(`${METADATA_INTERFACE}.`);
}
