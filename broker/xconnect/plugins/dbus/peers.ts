import { HIDDEN, SEE } from "./policy.ts";
import type { DbusPolicy, Level, Subject } from "./policy.ts";

/** Most connections of each kind that are remembered. */
const MAX_PEERS = 4_096;
/** Most names that are remembered of one connection, and of all. */
const MAX_NAMES = 256;
const MAX_ALL_NAMES = 16_384;

interface Owner {
  /** Followed names that the connection owns. */
  readonly names: Set<string>;
  /** Followed names that the connection owns or has owned. */
  readonly everOwned: Set<string>;
}

/**
 * Connections of the provider's bus that the consumer may see, by unique name: owners of names that
 * its link may see, and senders of messages to it. Rights end with the ownership of the name;
 * visibility lasts until the connection goes, so that the consumer learns of its end.
 */
export class DbusPeers {
  readonly #policy: DbusPolicy;
  readonly #owners = new Map<string, Owner>();
  /** Number of names in `#owners`, formerly owned ones included. */
  #nameCount = 0;
  /** Other visible connections; when there are too many, the one seen first is forgotten. */
  readonly #seen = new Set<string>();

  constructor(policy: DbusPolicy) {
    this.#policy = policy;
  }

  owns(unique: string, name: string): void {
    if (!this.hasOwned(unique, name) && !this.#remember(unique, name)) return;
    this.#owners.get(unique)?.names.add(name);
  }

  releases(unique: string, name: string): void {
    this.#owners.get(unique)?.names.delete(name);
  }

  /** The connection has sent the consumer a message. */
  seen(unique: string): void {
    if (this.#owners.has(unique) || this.#seen.has(unique)) return;
    if (this.#seen.size >= MAX_PEERS) {
      const [first = ""] = this.#seen;
      this.#seen.delete(first);
    }
    this.#seen.add(unique);
  }

  forget(unique: string): void {
    this.#forgetOwner(unique);
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

  /** @returns false when there is no room for the name */
  #remember(unique: string, name: string): boolean {
    if (this.#isFullFor(unique)) this.#forgetFormerOwners();
    if (this.#isFullFor(unique)) return false;
    const owner = this.#ownerOf(unique);
    if (owner.names.size >= MAX_NAMES) return false;
    if (owner.everOwned.size >= MAX_NAMES) this.#forgetFormerName(owner);
    owner.everOwned.add(name);
    this.#nameCount += 1;
    return true;
  }

  #isFullFor(unique: string): boolean {
    const isFull = this.#owners.size >= MAX_PEERS && !this.#owners.has(unique);
    return isFull || this.#nameCount >= MAX_ALL_NAMES;
  }

  #ownerOf(unique: string): Owner {
    const known = this.#owners.get(unique);
    if (known !== undefined) return known;
    const owner = { names: new Set<string>(), everOwned: new Set<string>() };
    this.#owners.set(unique, owner);
    return owner;
  }

  #forgetFormerName({ names, everOwned }: Owner): void {
    for (const former of everOwned) {
      if (names.has(former)) continue;
      everOwned.delete(former);
      this.#nameCount -= 1;
      return;
    }
  }

  #forgetFormerOwners(): void {
    for (const [former, { names }] of this.#owners) {
      if (names.size === 0) this.#forgetOwner(former);
    }
  }

  #forgetOwner(unique: string): void {
    this.#nameCount -= this.#owners.get(unique)?.everOwned.size ?? 0;
    this.#owners.delete(unique);
  }
}
