import { parseMatchRule } from "../../../shared/protocols/dbus/match-rule.ts";

/**
 * Counts of the consumer's match rules by their text: the bus keeps a rule that is added twice
 * twice.
 *
 * RemoveMatch removes any rule of the connection that is equal, also one that the broker added
 * (dbus-opening). So a consumer's rule that may equal one of the broker's counts only once the bus
 * has added it. Other rules count as soon as the consumer asks for them, since clients remove rules
 * without waiting for the reply; the bus itself then knows if there is one to remove.
 */
export class MatchRules {
  readonly #counts = new Map<string, number>();
  /** Number of the consumer's rules that the bus may have. */
  size = 0;

  /** The consumer asks the bus to add a rule. */
  ask(text: string): void {
    this.size += 1;
    if (!mayBeTheBrokers(text)) this.#count(text);
  }

  /** The bus has added the rule. */
  take(text: string): void {
    if (mayBeTheBrokers(text)) this.#count(text);
  }

  /** The bus has refused the rule. */
  drop(text: string): void {
    if (mayBeTheBrokers(text)) this.size -= 1;
    else this.remove(text);
  }

  /** @returns true when the consumer has such a rule */
  remove(text: string): boolean {
    const count = this.#counts.get(text);
    if (count === undefined) return false;
    if (count === 1) this.#counts.delete(text);
    else this.#counts.set(text, count - 1);
    this.size -= 1;
    return true;
  }

  #count(text: string): void {
    this.#counts.set(text, (this.#counts.get(text) ?? 0) + 1);
  }
}

/** True when a rule may equal one of the broker's. GDBus's rules for that signal have a path. */
function mayBeTheBrokers(text: string): boolean {
  const rule = parseMatchRule(text);
  return rule?.get("member") === "NameOwnerChanged" && !rule.has("path");
}
