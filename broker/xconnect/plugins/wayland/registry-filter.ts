import { printable } from "../../../shared/formats/printable.ts";
import { argumentOffset, stringAt } from "../../../shared/protocols/wayland/arguments.ts";
import type { WireBytes } from "../../../shared/protocols/wayland/arguments.ts";
import { INTERFACES } from "../../../shared/protocols/wayland/interfaces.ts";
import type { Message } from "../../../shared/protocols/wayland/interfaces.ts";
import type { GlobalPolicy } from "./global-policy.ts";
import { Fault } from "./fault.ts";

/** Most globals that a session knows at once. */
const MAX_GLOBALS = 4096;
/** Removed globals that may still be bound by a request that is under way. */
const MAX_REMOVED = 256;
/** Characters of an unknown interface's name that are shown. */
const LONGEST_SHOWN = 100;

interface Told {
  readonly interface: string;
  readonly version: number;
}

/** A bind request's claim about a global. */
export interface Binding extends Told {
  readonly name: number;
}

/**
 * The globals as this session was told of them. A bind is judged by name, interface and version
 * together: a consumer may send any name, and a provider may give a name to another interface.
 */
export class RegistryFilter {
  readonly #policy: GlobalPolicy;
  readonly #tell: ((text: string) => void) | undefined;
  readonly #told = new Map<number, Told>();
  readonly #removed = new Map<number, Told>();
  /** Known interfaces that the compositor offers and the link hides. */
  readonly hidden = new Set<string>();

  /** @param tell called with the decision on each global, for debugging */
  constructor(policy: GlobalPolicy, tell?: (text: string) => void) {
    this.#policy = policy;
    this.#tell = tell;
  }

  /**
   * Judge `wl_registry.global`, and lower its version where the link allows less.
   * @returns false when the global stays hidden
   * @throws Fault
   */
  announce(bytes: WireBytes, at: number, message: Message): boolean {
    const name = bytes.view.getUint32(at + 8, true);
    const offered = stringAt(bytes, argumentOffset(bytes, at, message, 1));
    const place = argumentOffset(bytes, at, message, 2);
    const cap = this.#policy.get(offered);
    if (cap === undefined) {
      this.#tell?.(`hide global ${shown(offered)} (${name})`);
      if (INTERFACES.has(offered)) this.hidden.add(offered);
      this.#told.delete(name);
      this.#removed.delete(name);
      return false;
    }
    const version = Math.min(cap, bytes.view.getUint32(place, true));
    bytes.view.setUint32(place, version, true);
    this.#tell?.(`show global ${offered} (${name}) version ${version}`);
    this.#told.set(name, { interface: offered, version });
    if (this.#told.size > MAX_GLOBALS) throw new Fault(`more than ${MAX_GLOBALS} globals`);
    return true;
  }

  /** @returns false when the removed global was hidden */
  remove(name: number): boolean {
    const told = this.#told.get(name);
    // Each registry of the session tells of the removal.
    if (told === undefined) return this.#removed.has(name);
    this.#told.delete(name);
    // A bind may be under way: then the compositor decides.
    this.#removed.set(name, told);
    for (const oldest of this.#removed.keys()) {
      if (this.#removed.size <= MAX_REMOVED) break;
      this.#removed.delete(oldest);
    }
    return true;
  }

  /** @returns why the global may not be bound so */
  bindFault({ name, interface: wanted, version }: Binding): string | undefined {
    const told = this.#told.get(name) ?? this.#removed.get(name);
    if (told?.interface !== wanted) return `invalid global ${shown(wanted)} (${name})`;
    if (version >= 1 && version <= told.version) return undefined;
    const have = `have ${told.version}, wanted ${version}`;
    return `invalid version for global ${wanted} (${name}): ${have}`;
  }
}

/** The name of an interface as a peer spells it, for a line of the log. */
function shown(name: string): string {
  return printable(name.slice(0, LONGEST_SHOWN));
}
