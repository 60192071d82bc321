import { HIDDEN, SEE } from "./dbus-policy.ts";
import type { DbusPolicy, Level, Subject } from "./dbus-policy.ts";

/** Connections remembered of each kind. */
const MAX_PEERS = 4_096;
/** Names remembered of one connection. */
const MAX_NAMES = 256;

interface Owner {
  /** Followed names that it owns. */
  readonly names: Set<string>;
  /** Followed names that it owns or has owned. */
  readonly everOwned: Set<string>;
}

/**
 * The connections of the provider's bus that the consumer may know of, by unique name: owners
 * of names that its link may see, and whoever has sent it something. Rights end with the
 * ownership of the name; visibility stays until the connection goes, so that the consumer can
 * follow its end.
 */
export class DbusPeers {
  readonly #policy: DbusPolicy;
  readonly #owners = new Map<string, Owner>();
  /** The others; the one that was heard of first is forgotten when there are too many. */
  readonly #seen = new Set<string>();

  constructor(policy: DbusPolicy) {
    this.#policy = policy;
  }

  owns(unique: string, name: string): void {
    const owner = this.#ownerOf(unique);
    if (owner === undefined || owner.everOwned.size >= MAX_NAMES) return;
    owner.names.add(name);
    owner.everOwned.add(name);
  }

  releases(unique: string, name: string): void {
    this.#owners.get(unique)?.names.delete(name);
  }

  /** It has sent the consumer something. */
  seen(unique: string): void {
    if (this.#owners.has(unique) || this.#seen.has(unique)) return;
    if (this.#seen.size >= MAX_PEERS) {
      const [first = ""] = this.#seen;
      this.#seen.delete(first);
    }
    this.#seen.add(unique);
  }

  forget(unique: string): void {
    this.#owners.delete(unique);
    this.#seen.delete(unique);
  }

  hasOwned(unique: string, name: string): boolean {
    return this.#owners.get(unique)?.everOwned.has(name) === true;
  }

  levelOf(unique: string): Level {
    const owner = this.#owners.get(unique);
    let level = this.#policy.levelOf(unique);
    if (level === HIDDEN && (owner !== undefined || this.#seen.has(unique))) level = SEE;
    for (const name of owner?.names ?? []) {
      const ofName = this.#policy.levelOf(name);
      if (ofName > level) level = ofName;
    }
    return level;
  }

  maySend(unique: string, subject: Subject): boolean {
    return this.#some(unique, (name) => this.#policy.maySend(name, subject));
  }

  mayHear(unique: string, subject: Subject): boolean {
    return this.#some(unique, (name) => this.#policy.mayHear(name, subject));
  }

  #some(unique: string, allows: (name: string) => boolean): boolean {
    if (allows(unique)) return true;
    for (const name of this.#owners.get(unique)?.names ?? []) if (allows(name)) return true;
    return false;
  }

  /** @returns undefined when there are too many that own names */
  #ownerOf(unique: string): Owner | undefined {
    const known = this.#owners.get(unique);
    if (known !== undefined) return known;
    if (this.#owners.size >= MAX_PEERS) {
      for (const [former, { names }] of this.#owners) {
        if (names.size === 0) this.#owners.delete(former);
      }
      if (this.#owners.size >= MAX_PEERS) return undefined;
    }
    const owner = { names: new Set<string>(), everOwned: new Set<string>() };
    this.#owners.set(unique, owner);
    return owner;
  }
}
