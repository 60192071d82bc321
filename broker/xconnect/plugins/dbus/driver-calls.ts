import { eavesdrops, parseMatchRule } from "../../../shared/protocols/dbus/match-rule.ts";
import { stringArguments } from "../../../shared/protocols/dbus/message-body.ts";
import { FLAGS_AT, NO_REPLY_EXPECTED } from "../../../shared/protocols/dbus/message-header.ts";
import type { MessageHeader } from "../../../shared/protocols/dbus/message-header.ts";
import { boolean } from "../../../shared/protocols/dbus/write-message.ts";
import type { DbusCallDecisions } from "./call-decisions.ts";
import type { DbusBusSide } from "./bus-side.ts";
import { DRIVER, driverMethod } from "./driver-methods.ts";
import type { DriverMethod } from "./driver-methods.ts";
import type { FilterOptions } from "./filter-options.ts";
import { HIDDEN, OWN, SEE, TALK } from "./policy.ts";
import { MAX_MATCH_RULES } from "./session-state.ts";
import type { DbusSessionState } from "./session-state.ts";
import { PASS } from "./decision.ts";
import type { Decision } from "./decision.ts";

/** Methods whose decision depends on the name in the first argument. */
type NameMethod = Extract<
  DriverMethod,
  "own" | "queue" | "has-owner" | "owner" | "credentials" | "start"
>;

/** The consumer's calls to the bus itself, judged by method and first argument. */
export class DbusDriverCalls {
  readonly #options: FilterOptions;
  readonly #state: DbusSessionState;
  readonly #bus: DbusBusSide;
  readonly #calls: DbusCallDecisions;

  constructor(
    options: FilterOptions,
    state: DbusSessionState,
    bus: DbusBusSide,
    calls: DbusCallDecisions,
  ) {
    this.#options = options;
    this.#state = state;
    this.#bus = bus;
    this.#calls = calls;
  }

  /**
   * @param start offset of the message in `bytes`, complete; its flags may be changed
   * @throws MalformedMessage
   */
  judge(header: MessageHeader, bytes: Buffer, start: number): Decision {
    const method = driverMethod(header.interface, header.member);
    switch (method) {
      case "pass":
        return this.#calls.pass(header);
      case "list":
        return this.#calls.pass(header, "names");
      case "hello":
        return this.#onHello(header);
      case "monitor":
        if (!this.#options.policy.mayMonitor) return this.#calls.deny(header);
        this.#state.mayReceiveAll = true;
        return this.#calls.pass(header);
      case "by-rule":
        return this.#state.maySend({ ...header, destination: DRIVER })
          ? this.#calls.pass(header)
          : this.#calls.deny(header);
      default: {
        const [text] = stringArguments(header, bytes, start, 1) ?? [];
        if (text === undefined) {
          return this.#calls.fail(header, "InvalidArgs", "expected a string");
        }
        if (method === "add-match") return this.#onAddMatch(header, text, bytes, start);
        if (method === "remove-match") return this.#onRemoveMatch(header, text);
        return this.#onNameCall(header, method, text);
      }
    }
  }

  #onHello(header: MessageHeader): Decision {
    if (this.#state.saidHello || isRefused(header)) return this.#calls.pass(header);
    // Buses answer Hello even when its flags ask for no reply.
    this.#state.expect(header.serial, { kind: "hello", destination: DRIVER });
    return { ...PASS, toBus: this.#bus.begin() };
  }

  #onNameCall(header: MessageHeader, method: NameMethod, name: string): Decision {
    const level = this.#state.levelOf(name);
    const isVisible = level >= SEE || this.#bus.namesLeak;
    const { quirks } = this.#options;
    switch (method) {
      case "own":
        if (level < OWN && !quirks.has("dbus-own-allowed", "dbus")) {
          return this.#calls.deny(header);
        }
        break;
      case "queue":
        if (!isVisible) return this.#hasNoOwner(header, name);
        if (level < OWN) return this.#calls.deny(header);
        break;
      case "has-owner":
        if (!isVisible) return this.#calls.reply(header, boolean(false));
        break;
      case "owner":
      case "credentials":
        if (!isVisible) return this.#hasNoOwner(header, name);
        break;
      case "start":
        if (level === HIDDEN) {
          return this.#calls.fail(header, "ServiceUnknown", `The name ${name} is not activatable`);
        }
        if (level < TALK) return this.#calls.deny(header);
    }
    return this.#calls.pass(header);
  }

  #hasNoOwner(header: MessageHeader, name: string): Decision {
    const text = `Could not get owner of name '${name}': no such name`;
    return this.#calls.fail(header, "NameHasNoOwner", text);
  }

  #onAddMatch(header: MessageHeader, text: string, bytes: Buffer, start: number): Decision {
    const rule = parseMatchRule(text);
    if (rule === undefined) {
      return this.#calls.fail(header, "MatchRuleInvalid", "Invalid match rule");
    }
    if (eavesdrops(rule)) {
      if (!this.#options.policy.mayMonitor) {
        return this.#calls.deny(header, "it asks for messages of others");
      }
      this.#state.mayReceiveAll = true;
    }
    if (this.#state.matchRules.size >= MAX_MATCH_RULES) {
      return this.#calls.fail(header, "LimitsExceeded", "too many match rules");
    }
    // Ask for the reply in any case: it tells if the bus has taken the rule.
    const wasSilent = (header.flags & NO_REPLY_EXPECTED) !== 0;
    bytes[start + FLAGS_AT] = header.flags & ~NO_REPLY_EXPECTED;
    this.#state.matchRules.ask(text);
    const expected = { kind: "match-added", destination: DRIVER, text, wasSilent } as const;
    this.#state.expect(header.serial, expected);
    return PASS;
  }

  /** Remove a rule of the consumer's; it must not remove rules that the broker has added. */
  #onRemoveMatch(header: MessageHeader, text: string): Decision {
    if (this.#state.matchRules.remove(text)) return this.#calls.pass(header);
    return this.#calls.fail(header, "MatchRuleNotFound", "The given match rule wasn't found");
  }
}

/**
 * True for a Hello that every bus refuses. The broker's own messages must not follow it: the bus
 * ends a connection whose messages before a valid Hello are not Hello.
 */
function isRefused({ destination, signature }: MessageHeader): boolean {
  return destination === "" || signature !== "";
}
