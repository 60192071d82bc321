import type { DbusRule, DbusRuleList } from "./rules.ts";

/** Levels of a link's rights to a name; each includes the ones before it. */
export const HIDDEN = 0;
export const SEE = 1;
export const TALK = 2;
export const OWN = 3;
export type Level = 0 | 1 | 2 | 3;

/** Parts of a message that a rule can restrict; "" means absent. */
export interface Subject {
  readonly path: string;
  readonly interface: string;
  readonly member: string;
}

/**
 * A name whose owner is followed, since rights to a connection come from the names that it owns.
 */
export interface TrackedName {
  /** The name, or the part of it before `.*`. */
  readonly name: string;
  readonly withChildren: boolean;
}

const MONITORING = "org.freedesktop.DBus.Monitoring";
const DRIVER = "org.freedesktop.DBus";

/**
 * The rights that the rules of a link give. Where there are several lists, each of them has to
 * allow a message, and for the same name: a connection that owns one name of one list and another
 * name of the other list gets no rights by that.
 *
 * Levels are those of xdg-dbus-proxy: `call` and `broadcast` make a name visible as `talk` does,
 * and allow one direction of it.
 */
export class DbusPolicy {
  readonly #lists: readonly DbusRuleList[];
  readonly tracked: readonly TrackedName[];
  /** True when some name may be owned, which makes the consumer a service. */
  readonly isService: boolean;
  /** True when a rule names the monitoring interface: the consumer may see messages to others. */
  readonly mayMonitor: boolean;

  constructor(lists: readonly DbusRuleList[]) {
    this.#lists = lists;
    this.tracked = trackedNames(lists);
    this.isService = lists.every((list) => list.some(({ access }) => access === "own"));
    this.mayMonitor = lists.every((list) => list.some(isForMonitoring));
  }

  /** @param name a well-known name; a unique name has only the rights of rules for `*` */
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

  /** True when this message may be sent to the name or its owner. */
  maySend(name: string, subject: Subject): boolean {
    return this.#allows(name, subject, "call");
  }

  /** True when this signal of the name or its owner may be heard. */
  mayHear(name: string, subject: Subject): boolean {
    return this.#allows(name, subject, "broadcast");
  }

  /** True when the owner of the name is followed. */
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

/** An absent value matches only a pattern for any value: the receiver would choose one itself. */
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
 * The names to follow. Since every list has to allow a message, one list without rules for any name
 * tells all connections with rights; the shortest such list costs the fewest questions.
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
