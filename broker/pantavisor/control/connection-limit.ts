import type { Socket } from "node:net";
import type { Caller } from "./caller.ts";

/** Connections that one container may have open at a time; no honest one needs a tenth of it. */
const PER_CONTAINER = 128;
/** Connections of all containers together; the appengine's broker needs the rest. */
const ALL_CONTAINERS = 3072;

/** Keeps containers from taking every connection that pv-ctrl has. */
export class ConnectionLimit {
  readonly #open = new Map<string, number>();
  #all = 0;

  /** @returns false when the caller has too many; otherwise it counts until it closes */
  admit(caller: Caller, socket: Socket): boolean {
    if (caller.kind === "host") return true;
    // Unknown callers share one limit, under the empty name that no container has.
    const name = caller.kind === "container" ? caller.name : "";
    const open = this.#open.get(name) ?? 0;
    if (open >= PER_CONTAINER || this.#all >= ALL_CONTAINERS) return false;
    this.#open.set(name, open + 1);
    this.#all += 1;
    socket.once("close", () => this.#leave(name));
    return true;
  }

  #leave(name: string): void {
    this.#all -= 1;
    const left = (this.#open.get(name) ?? 1) - 1;
    if (left > 0) this.#open.set(name, left);
    else this.#open.delete(name);
  }
}
