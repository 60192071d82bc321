import type { DbusRule, DbusRuleList } from "./dbus-rules.ts";

/** What a link may do with a name, each including those before it. */
export const HIDDEN = 0;
export const SEE = 1;
export const TALK = 2;
export const OWN = 3;
export type Level = 0 | 1 | 2 | 3;

/** What a rule can restrict; "" is absent. */
export interface Subject {
  readonly path: string;
  readonly interface: string;
  readonly member: string;
}

/** Names to be followed, since rights to a connection come from the names that it owns. */
export interface TrackedName {
  /** A name, or what is before `.*`. */
  readonly name: string;
  readonly withChildren: boolean;
}

const MONITORING = "org.freedesktop.DBus.Monitoring";
const DRIVER = "org.freedesktop.DBus";

/**
 * What the rules of a link allow. There may be several lists; each of them has to allow a
 * thing, and for the same name: a connection that owns two names gets nothing by having one
 * name in one list and the other in the other.
 *
 * Levels are xdg-dbus-proxy's: `call` and `broadcast` make a name visible as `talk` does and
 * allow one direction of it.
 */
export class DbusPolicy {
  readonly #lists: readonly DbusRuleList[];
  readonly tracked: readonly TrackedName[];
  /** Whether some name may be owned, which makes the consumer a service. */
  readonly isService: boolean;
  /** Whether it may see what is not meant for it: only when rules say so by name. */
  readonly mayMonitor: boolean;

  constructor(lists: readonly DbusRuleList[]) {
    this.#lists = lists;
    this.tracked = trackedNames(lists);
    this.isService = lists.every((list) => list.some(({ access }) => access === "own"));
    this.mayMonitor = lists.every((list) => list.some(isForMonitoring));
  }

  /** @param name well-known; a unique name has no rights of its own, but `*` means it too */
  levelOf(name: string): Level {
    let level: Level = OWN;
    for (const list of this.#lists) {
      let highest: Level = HIDDEN;
      for (const rule of list) {
        const own = levelOfRule(rule);
        if (own > highest && matchesName(rule, name)) highest = own;
      }
      if (highest < level) level = highest;
      if (level === HIDDEN) return level;
    }
    return level;
  }

  /** Whether this may be sent to (the owner of) the name. */
  maySend(name: string, subject: Subject): boolean {
    return this.#allows(name, subject, "call");
  }

  /** Whether this signal of (the owner of) the name may be heard. */
  mayHear(name: string, subject: Subject): boolean {
    return this.#allows(name, subject, "broadcast");
  }

  /** Whether the owner of the name is known, once the bus has been asked. */
  isTracked(name: string): boolean {
    return this.tracked.some((tracked) =>
      tracked.withChildren ? isBelow(name, tracked.name, ".") : name === tracked.name,
    );
  }

  #allows(name: string, subject: Subject, direction: "call" | "broadcast"): boolean {
    return this.#lists.every((list) =>
      list.some(
        (rule) =>
          rule.access !== "see" &&
          (rule.access === direction || rule.access === "talk" || rule.access === "own") &&
          matchesName(rule, name) &&
          matches(rule.interface, subject.interface, ".") &&
          matches(rule.path, subject.path, "/") &&
          matches(rule.member, subject.member, "."),
      ),
    );
  }
}

function levelOfRule({ access }: DbusRule): Level {
  if (access === "own") return OWN;
  return access === "see" ? SEE : TALK;
}

function matchesName(rule: DbusRule, name: string): boolean {
  return matches(rule.name, name, ".");
}

/** An absent value matches only what matches anything: the receiver would choose for itself. */
function matches(pattern: string | undefined, value: string, separator: string): boolean {
  if (pattern === undefined || pattern === "*") return true;
  if (!pattern.endsWith("*")) return pattern === value;
  return isBelow(value, pattern.slice(0, -2), separator);
}

function isBelow(value: string, base: string, separator: string): boolean {
  if (!value.startsWith(base)) return false;
  return value.length === base.length || value.charAt(base.length) === separator;
}

function isAnyName({ name }: DbusRule): boolean {
  return name === undefined || name === "*";
}

function isForMonitoring(rule: DbusRule): boolean {
  return rule.interface === MONITORING && rule.access !== "see" && rule.access !== "broadcast"
    ? matchesName(rule, DRIVER)
    : false;
}

/**
 * One list without rules for any name is enough to know every connection with rights, as each
 * list has to allow what is allowed; the shortest one costs the fewest questions.
 */
function trackedNames(lists: readonly DbusRuleList[]): TrackedName[] {
  const named = lists
    .filter((list) => !list.some(isAnyName))
    .sort((a, b) => a.length - b.length)
    .slice(0, 1);
  const byText = new Map<string, TrackedName>();
  for (const { name = "*" } of (named.length > 0 ? named : lists).flat()) {
    if (name === "*" || name === DRIVER) continue;
    const withChildren = name.endsWith(".*");
    byText.set(name, { name: withChildren ? name.slice(0, -2) : name, withChildren });
  }
  return [...byText.values()];
}
