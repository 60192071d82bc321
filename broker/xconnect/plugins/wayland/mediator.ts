import {
  argumentFault,
  argumentOffset,
  stringAt,
} from "../../../shared/protocols/wayland/arguments.ts";
import type { WireBytes } from "../../../shared/protocols/wayland/arguments.ts";
import { INVALID_OBJECT } from "../../../shared/protocols/wayland/display-error.ts";
import { kindOf } from "../../../shared/protocols/wayland/interfaces.ts";
import type { Kind, Message } from "../../../shared/protocols/wayland/interfaces.ts";
import type { GlobalPolicy } from "./global-policy.ts";
import { Fault } from "./fault.ts";
import { ObjectTable } from "./object-table.ts";
import { RegistryFilter } from "./registry-filter.ts";

/** Versions of wl_display and of the registries and callbacks that it makes. */
const CORE = 1;

export interface MediatorWatcher {
  /** Called when the consumer asks for the globals. */
  readonly onRegistry?: () => void;
  /** Called with the decision on each global, for debugging. */
  readonly onGlobal?: ((text: string) => void) | undefined;
}

/**
 * Judges every message of one session by the signature of its object's interface and version.
 *
 * Trusted: the link's policy. Hostile: both sides. The consumer may send anything to reach what is
 * hidden; the provider may send anything to confuse the consumer. The mediator knows which objects
 * exist, and not what they are for: whether an object argument makes sense is left to the side
 * that gets it, which knows its own objects.
 *
 *     unknown ──new_id──▶ live ──destructor──▶ zombie ──delete_id──▶ unknown      ids of the client
 *     unknown ──new_id──▶ live ──destructor──▶ zombie ──new_id──▶ live            ids of the server
 */
export class Mediator {
  readonly objects = new ObjectTable(kindOf("wl_display", CORE));
  readonly registry: RegistryFilter;
  readonly #watcher: MediatorWatcher;

  constructor(policy: GlobalPolicy, watcher: MediatorWatcher = {}) {
    this.registry = new RegistryFilter(policy, watcher.onGlobal);
    this.#watcher = watcher;
  }

  /**
   * Offset of the first request in `bytes`, from `at` on, that is not plain, not complete, or
   * not right.
   */
  skipRequests(bytes: WireBytes, at: number): number {
    return skipPlain(bytes, at, (id) => this.objects.get(id)?.plainRequests);
  }

  /** As skipRequests(), of events. */
  skipEvents(bytes: WireBytes, at: number): number {
    return skipPlain(bytes, at, (id) => this.objects.get(id)?.plainEvents);
  }

  /**
   * @param at offset of the request
   * @param size from its header, at least 8
   * @throws Fault when it may not reach the compositor
   */
  request(bytes: WireBytes, at: number, size: number): Message {
    const id = bytes.view.getUint32(at, true);
    const kind = this.objects.get(id);
    const message = kind?.requests[bytes.view.getUint16(at + 4, true)];
    if (kind === undefined || message === undefined) throw noMethod(id, kind, bytes, at);
    checkArguments(bytes, at, size, message);
    if (message.duty === "bind") this.#bind(bytes, at, message, id);
    else if (message.creates !== undefined) {
      if (message.duty === "get_registry") this.#watcher.onRegistry?.();
      const created = kind.createdBy(message, message.creates);
      const newId = newIdOf(bytes, at, message);
      refuseId(newId, this.objects.addClient(newId, created), message);
    }
    if (message.isDestructor) this.objects.destroy(id, kind);
    return message;
  }

  /**
   * @returns undefined when the event stays hidden from the consumer
   * @throws Fault when the compositor breaks the protocol
   */
  event(bytes: WireBytes, at: number, size: number): Message | undefined {
    const id = bytes.view.getUint32(at, true);
    const kind = this.objects.get(id);
    const message = kind?.events[bytes.view.getUint16(at + 4, true)];
    if (kind === undefined || message === undefined) throw noMethod(id, kind, bytes, at);
    checkArguments(bytes, at, size, message);
    if (message.duty !== undefined) return this.#isShown(bytes, at, message) ? message : undefined;
    if (message.creates !== undefined) {
      const newId = newIdOf(bytes, at, message);
      const created = kind.createdBy(message, message.creates);
      refuseId(newId, this.objects.addServer(newId, created), message);
    }
    if (message.isDestructor) this.objects.destroy(id, kind);
    return message;
  }

  #bind(bytes: WireBytes, at: number, message: Message, registry: number): void {
    const place = argumentOffset(bytes, at, message, 2);
    const binding = {
      name: bytes.view.getUint32(at + 8, true),
      interface: stringAt(bytes, at + 12),
      version: bytes.view.getUint32(place, true),
    };
    const fault = this.registry.bindFault(binding);
    if (fault !== undefined) throw new Fault(fault, INVALID_OBJECT, registry);
    const newId = bytes.view.getUint32(place + 4, true);
    const created = kindOf(binding.interface, binding.version);
    refuseId(newId, this.objects.addClient(newId, created), message);
  }

  #isShown(bytes: WireBytes, at: number, message: Message): boolean {
    if (message.duty === "global") return this.registry.announce(bytes, at, message);
    const argument = bytes.view.getUint32(at + 8, true);
    if (message.duty === "global_remove") return this.registry.remove(argument);
    const fault = this.objects.free(argument);
    if (fault !== undefined) throw new Fault(`${message.name}: ${argument} ${fault}`);
    return true;
  }
}

/**
 * Skip over plain messages (damage, commits, motion), of which nothing but the size has to be
 * looked at. A flood of them costs this loop.
 */
function skipPlain(
  { buffer, view }: WireBytes,
  start: number,
  sizesOf: (id: number) => readonly number[] | undefined,
): number {
  const end = buffer.length;
  let at = start;
  let lastId = 0;
  let sizes = NONE;
  while (end - at >= HEADER) {
    const id = view.getUint32(at, true);
    if (id !== lastId) {
      lastId = id;
      sizes = sizesOf(id) ?? NONE;
    }
    const word = view.getUint32(at + 4, true);
    const [opcode, size] = [word & 0xffff, word >>> 16];
    if (opcode >= sizes.length || sizes[opcode] !== size || size > end - at) break;
    at += size;
  }
  return at;
}

const HEADER = 8;
const NONE: readonly number[] = [];

/** @throws Fault */
function checkArguments(bytes: WireBytes, at: number, size: number, message: Message): void {
  const fault = argumentFault(bytes, at, size, message);
  if (fault !== undefined) throw new Fault(`invalid arguments for ${message.name}: ${fault}`);
}

/** The fault of a message that its object does not have, or whose object does not exist. */
function noMethod(id: number, kind: Kind | undefined, { view }: WireBytes, at: number): Fault {
  if (kind === undefined || kind.isZombie) return new Fault(`invalid object ${id}`, INVALID_OBJECT);
  const opcode = view.getUint16(at + 4, true);
  return new Fault(`invalid method ${opcode} of ${kind.interface} version ${kind.version}`);
}

function newIdOf(bytes: WireBytes, at: number, message: Message): number {
  return bytes.view.getUint32(argumentOffset(bytes, at, message, message.newId), true);
}

/** @throws Fault */
function refuseId(id: number, fault: string | undefined, message: Message): void {
  if (fault !== undefined) throw new Fault(`${message.name}: the new id ${id} ${fault}`);
}
