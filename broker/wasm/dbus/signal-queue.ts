import type { MatchRule } from "../../shared/protocols/dbus/match-rule.ts";
import { GuestErrno } from "../guest-errno.ts";
import type { BusMessage } from "./bus-connection.ts";

/** Signals of one match that the guest has not asked for yet. */
const MAX_SIGNALS = 256;
const MAX_BYTES = 1024 * 1024;

/** Signals that fit one match rule, in order. The guest is told when some were lost. */
export class SignalQueue {
  readonly #rule: MatchRule;
  #signals: BusMessage[] = [];
  #bytes = 0;
  #hasLost = false;

  constructor(rule: MatchRule) {
    this.#rule = rule;
  }

  /**
   * Keep a signal that fits the rule's path, interface and member. The bus has judged its other
   * keys: a rule with arguments or a sender may get signals of another rule of this guest too.
   */
  offer(message: BusMessage): void {
    if (!fits(this.#rule, message)) return;
    if (this.#signals.length === MAX_SIGNALS || this.#bytes + message.body.length > MAX_BYTES) {
      this.#hasLost = true;
      return;
    }
    this.#signals.push(message);
    this.#bytes += message.body.length;
  }

  /**
   * The oldest signal.
   * @throws GuestErrno ENOBUFS once, where signals were lost
   */
  take(): BusMessage | undefined {
    const signal = this.#signals.shift();
    if (signal !== undefined) {
      this.#bytes -= signal.body.length;
      return signal;
    }
    if (!this.#hasLost) return undefined;
    this.#hasLost = false;
    throw new GuestErrno("ENOBUFS");
  }
}

function fits(rule: MatchRule, { header }: BusMessage): boolean {
  const namespace = rule.get("path_namespace");
  const isBelow =
    namespace === undefined ||
    namespace === "/" ||
    header.path === namespace ||
    header.path.startsWith(`${namespace}/`);
  const isEqual = (["path", "interface", "member"] as const).every((key) => {
    const wanted = rule.get(key);
    return wanted === undefined || wanted === header[key];
  });
  return isBelow && isEqual && (rule.get("type") ?? "signal") === "signal";
}
