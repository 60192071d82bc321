import { readFileSync } from "node:fs";
import type { Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import type { HandleRequest } from "./handle-request.ts";
import { hostKindOf } from "./host-header.ts";
import type { HostKind } from "./host-header.ts";
import type { PantavisorView } from "./pantavisor-view.ts";

/** A server that answers nothing for a time: requests wait while one of the reasons is pending. */
class Stall {
  readonly #reasons = new Set<Promise<unknown>>();

  holdUntil(reason: Promise<unknown>): void {
    this.#reasons.add(reason);
    void reason.finally(() => this.#reasons.delete(reason));
  }

  async pass(): Promise<void> {
    while (this.#reasons.size > 0) await Promise.race(this.#reasons);
  }
}

/** Reply to nobody while a request with such a Host is open. */
export function stalledBy(host: HostKind, handle: HandleRequest): HandleRequest {
  const stall = new Stall();
  return async (asked) => {
    const { rawHeaders, url = "", socket } = asked.request;
    if (hostKindOf(rawHeaders, url) === host) {
      stall.holdUntil(closed(socket));
      return undefined;
    }
    await stall.pass();
    return handle(asked);
  };
}

/** Milliseconds that a client which has ended its side is still held. */
const HANG_AFTER_END = 10_000;

function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.once("close", () => resolve());
    socket.once("end", () => setTimeout(() => socket.destroy(), HANG_AFTER_END).unref());
    // Nobody reads on while the request is held: look for the end ourselves.
    socket.resume();
  });
}

/** Milliseconds that each request waits once a manual pv-xconnect has read the graph. */
const HELD = 10_000;

/** Hold each request behind the first that a pv-xconnect sends which is not the daemon. */
export function heldByManualBroker(handle: HandleRequest, view: PantavisorView): HandleRequest {
  let isHeld = false;
  return async (asked) => {
    if (isHeld) await pause(HELD, undefined, { ref: false });
    const reply = await handle(asked);
    isHeld ||= asked.request.url === "/xconnect-graph" && isManualBroker(view, asked.caller.pid);
    return reply;
  };
}

function isManualBroker(view: PantavisorView, pid: number): boolean {
  if (view.daemons().some((daemon) => daemon.body().pid === pid)) return false;
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("pv-xconnect");
  } catch {
    return false;
  }
}
