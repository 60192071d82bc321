import { parseMatchRule } from "../protocols/dbus/match-rule.ts";

/**
 * The consumer's match rules, by their text; the bus keeps a rule that is added twice twice.
 *
 * To remove a rule is to remove one that says the same, whoever has added it. So what says the
 * same as the broker's own (dbus-opening) can be removed only when the bus has taken it. For
 * others the bus itself knows whether there is one: they count from when they are asked for, as
 * clients change their mind without waiting.
 */
export class MatchRules {
  readonly #counts = new Map<string, number>();
  /** Those that the bus may have. */
  size = 0;

  /** The bus is asked to add it. */
  ask(text: string): void {
    this.size += 1;
    if (!mayBeTheBrokers(text)) this.#count(text);
  }

  /** The bus has added it. */
  take(text: string): void {
    if (mayBeTheBrokers(text)) this.#count(text);
  }

  /** The bus has not added it. */
  drop(text: string): void {
    if (mayBeTheBrokers(text)) this.size -= 1;
    else this.remove(text);
  }

  /** @returns whether there is one to be removed */
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

/** GDBus's rules for the same signal have a path, which the broker's have not. */
function mayBeTheBrokers(text: string): boolean {
  const rule = parseMatchRule(text);
  return rule?.get("member") === "NameOwnerChanged" && !rule.has("path");
}
