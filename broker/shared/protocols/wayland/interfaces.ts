import data from "./interfaces.json" with { type: "json" };

/** One request or event in interfaces.json; its opcode is its place in the list. */
export interface MessageData {
  readonly name: string;
  /** Version of the interface that brought it; 1 when absent. */
  readonly since?: number;
  readonly destructor?: boolean;
  /**
   * Types of its arguments: i int, u uint, f fixed, s string, o object, n new_id, a array, h fd;
   * `?` before one that may be null. A new_id whose interface is sent along is `sun`.
   */
  readonly args: string;
  /** Interface of its new_id. */
  readonly creates?: string;
}

export interface InterfaceData {
  readonly version: number;
  readonly requests: readonly MessageData[];
  readonly events: readonly MessageData[];
}

/** Messages that change what the session knows of globals and ids. */
export type Duty = "get_registry" | "bind" | "global" | "global_remove" | "delete_id";

/** A request or an event, prepared for judging. */
export interface Message {
  /** Interface and name: `wl_surface.attach`. */
  readonly name: string;
  /** Types as in `MessageData`, a character each; capitals are those that may be null. */
  readonly args: string;
  /** Bytes with the header; -1 when strings or arrays vary it. */
  readonly size: number;
  readonly fds: number;
  readonly isDestructor: boolean;
  readonly creates: string | undefined;
  /** Place of its new_id in `args`; -1 without one. */
  readonly newId: number;
  readonly duty: Duty | undefined;
  /** True when nothing but its size has to be looked at. */
  readonly isPlain: boolean;
}

/** An interface in one version. Objects of one kind share it. */
export class Kind {
  readonly interface: string;
  readonly version: number;
  /** By opcode. Those that came with a later version are absent. */
  readonly requests: readonly (Message | undefined)[];
  readonly events: readonly (Message | undefined)[];
  /** Sizes of the requests and events that are plain, by opcode; -1 for the others. */
  readonly plainRequests: readonly number[];
  readonly plainEvents: readonly number[];
  /** Kind of the object once it is destroyed: it takes no request, and events may still come. */
  readonly zombie: Kind;
  /** Kinds of the objects that its messages make, by message. */
  readonly #created = new Map<Message, Kind>();

  constructor(
    facts: { readonly interface: string; readonly version: number },
    requests: readonly (Message | undefined)[],
    events: readonly (Message | undefined)[],
    isZombie = false,
  ) {
    this.interface = facts.interface;
    this.version = facts.version;
    this.requests = requests;
    this.events = events;
    this.plainRequests = requests.map(plainSize);
    this.plainEvents = events.map(plainSize);
    this.zombie = isZombie ? this : new Kind(facts, [], events, true);
  }

  get isZombie(): boolean {
    return this.zombie === this;
  }

  /** Kind of the object that a message of this kind makes: it inherits the version. */
  createdBy(message: Message, name: string): Kind {
    const known = this.#created.get(message);
    if (known !== undefined) return known;
    const made = kindOf(name, this.version);
    this.#created.set(message, made);
    return made;
  }
}

function plainSize(message: Message | undefined): number {
  return message?.isPlain === true ? message.size : -1;
}

const DUTIES: Readonly<Record<string, Duty>> = {
  "wl_display.get_registry": "get_registry",
  "wl_display.delete_id": "delete_id",
  "wl_registry.bind": "bind",
  "wl_registry.global": "global",
  "wl_registry.global_remove": "global_remove",
};

const interfaces = new Map<string, InterfaceData>(Object.entries(data));

/** Names of all interfaces whose signatures are known. */
export const INTERFACES: ReadonlySet<string> = new Set(interfaces.keys());

/** Version up to which the messages of an interface are known; 0 for an unknown one. */
export function knownVersion(name: string): number {
  return interfaces.get(name)?.version ?? 0;
}

/** Prepared messages by interface, with their `since`. */
const prepared = new Map<string, Prepared>();
const kinds = new Map<string, Kind>();

/**
 * @param version at least 1
 * @throws Error for an interface that is not in INTERFACES
 */
export function kindOf(name: string, version: number): Kind {
  const key = `${name} ${version}`;
  const known = kinds.get(key);
  if (known !== undefined) return known;
  const { requests, events } = prepare(name);
  const facts = { interface: name, version };
  const kind = new Kind(facts, upTo(requests, version), upTo(events, version));
  kinds.set(key, kind);
  return kind;
}

/** All requests and events of an interface, in its latest known version. */
export function messagesOf(name: string): readonly Message[] {
  const { requests, events } = prepare(name);
  return [...requests, ...events].map(({ message }) => message);
}

interface Since {
  readonly since: number;
  readonly message: Message;
}

interface Prepared {
  readonly requests: readonly Since[];
  readonly events: readonly Since[];
}

function prepare(name: string): Prepared {
  const known = prepared.get(name);
  if (known !== undefined) return known;
  const facts = interfaces.get(name);
  if (facts === undefined) throw new Error(`no signatures of ${name}`);
  const all = (messages: readonly MessageData[]) =>
    messages.map((one) => ({ since: one.since ?? 1, message: toMessage(name, one) }));
  const made = { requests: all(facts.requests), events: all(facts.events) };
  prepared.set(name, made);
  return made;
}

function toMessage(
  owner: string,
  { name, destructor = false, args, creates }: MessageData,
): Message {
  const letters = args.replace(/\?(.)/g, (_, letter: string) => letter.toUpperCase());
  const full = `${owner}.${name}`;
  const fds = letters.replace(/[^h]/g, "").length;
  const size = /[sSaA]/.test(letters) ? -1 : 8 + 4 * (letters.length - fds);
  const duty = DUTIES[full];
  const isPlain = !destructor && duty === undefined && /^[iufO]*$/.test(letters);
  const facts = { name: full, args: letters, size, fds, isDestructor: destructor };
  return { ...facts, creates, newId: letters.search(/n/i), duty, isPlain };
}

function upTo(messages: readonly Since[], version: number): (Message | undefined)[] {
  return messages.map(({ since, message }) => (since <= version ? message : undefined));
}
