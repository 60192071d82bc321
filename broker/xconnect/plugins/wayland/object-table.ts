import { FIRST_SERVER_ID } from "../../../shared/protocols/wayland/limits.ts";
import type { Kind } from "../../../shared/protocols/wayland/interfaces.ts";

/** Most objects of each side in one session, the destroyed ones that are not free yet included. */
export const MAX_OBJECTS = 65_536;

/**
 * The objects of a session by id.
 *
 * A client's id is free again after `wl_display.delete_id`. Until then it is a zombie: events for
 * it still come, and their fds have to be known. A server's id has no delete_id: it is free at once
 * and stays a zombie until the server takes it again.
 *
 * Both sides of libwayland want ids without a gap, so an array holds them.
 */
export class ObjectTable {
  /** Kinds by id; place 0 is never taken. */
  readonly #client: (Kind | undefined)[] = [undefined];
  /** Kinds by id above FIRST_SERVER_ID. */
  readonly #server: (Kind | undefined)[] = [];

  /** @param display kind of object 1 */
  constructor(display: Kind) {
    this.#client.push(display);
  }

  /** The kind of a live object or zombie. */
  get(id: number): Kind | undefined {
    return id < FIRST_SERVER_ID ? this.#client[id] : this.#server[id - FIRST_SERVER_ID];
  }

  /** @returns why the id cannot be taken */
  addClient(id: number, kind: Kind): string | undefined {
    if (id === 0 || id >= FIRST_SERVER_ID) return "is no id of a client";
    const known = this.#client;
    if (id > known.length) return "leaves a gap";
    if (known[id] !== undefined) return known[id].isZombie ? "is not free yet" : "is in use";
    if (id >= MAX_OBJECTS) return "is one object too many";
    known[id] = kind;
    return undefined;
  }

  /** @returns why the id cannot be taken */
  addServer(id: number, kind: Kind): string | undefined {
    if (id < FIRST_SERVER_ID) return "is no id of a server";
    const known = this.#server;
    const place = id - FIRST_SERVER_ID;
    if (place > known.length) return "leaves a gap";
    if (known[place]?.isZombie === false) return "is in use";
    if (place >= MAX_OBJECTS) return "is one object too many";
    known[place] = kind;
    return undefined;
  }

  /** The object has been destroyed by a destructor. */
  destroy(id: number, { zombie }: Kind): void {
    if (id < FIRST_SERVER_ID) this.#client[id] = zombie;
    else this.#server[id - FIRST_SERVER_ID] = zombie;
  }

  /**
   * `wl_display.delete_id`: the client may take the id again. Servers also send it for objects that
   * they destroy without a destructor event.
   * @returns why it cannot be
   */
  free(id: number): string | undefined {
    if (id <= 1 || id >= FIRST_SERVER_ID) return "is no id that can be freed";
    if (this.#client[id] === undefined) return "is free already";
    this.#client[id] = undefined;
    return undefined;
  }

  /** Objects of both sides that are not destroyed, wl_display included. */
  get live(): number {
    const isLive = (kind: Kind | undefined) => kind?.isZombie === false;
    return this.#client.filter(isLive).length + this.#server.filter(isLive).length;
  }
}
