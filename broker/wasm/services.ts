import { closeSync, openSync } from "node:fs";
import { O_PATH } from "../shared/linux/openat2.ts";
import { connectToInode } from "../shared/linux/unix-stream.ts";
import type { GuestService } from "../shared/formats/wasm-guest.ts";
import { waitFor } from "./channel.ts";
import { isOfType } from "./grants.ts";
import { GuestErrno } from "./guest-errno.ts";
import type { ErrnoName } from "./guest-errno.ts";

/** Milliseconds between two looks for a socket that the broker has not planted yet. */
const LOOK_AGAIN = 5;

/** Meaning of an error of connect(2) or open(2) when the time to wait is over. */
const MEANINGS: Readonly<Record<string, ErrnoName>> = {
  // The broker has not planted it: the link waits for its provider, or is refused.
  ENOENT: "EAGAIN",
  EAGAIN: "EAGAIN",
  ECONNREFUSED: "ECONNREFUSED",
};

/** Services that calls of one host module may name. */
export class Services {
  readonly #byName: ReadonlyMap<string, GuestService>;

  constructor(services: readonly GuestService[], type: string) {
    const own = services.filter((one) => isOfType(one, type));
    this.#byName = new Map(own.map((one) => [one.name, one]));
  }

  /** @throws GuestErrno ENOENT for one that the manifest does not declare */
  find(name: Buffer): GuestService {
    const service = this.#byName.get(name.toString("utf8"));
    if (service === undefined) throw new GuestErrno("ENOENT");
    return service;
  }
}

/**
 * Connect to the socket that the broker plants for a service. A link may be a moment behind its
 * container, so this waits for it.
 * @param deadline on the clock of performance.now()
 * @returns a non-blocking socket that the caller owns
 * @throws GuestErrno EAGAIN while there is no link, ECONNREFUSED, EINTR
 */
export function dial({ socket }: GuestService, deadline: number): number {
  for (;;) {
    try {
      return connectTo(socket);
    } catch (error) {
      const meaning = MEANINGS[(error as NodeJS.ErrnoException).code ?? ""];
      if (meaning === undefined) throw new GuestErrno("EACCES");
      const now = performance.now();
      if (now >= deadline) throw new GuestErrno(meaning);
      waitFor([], Math.min(deadline, now + LOOK_AGAIN));
    }
  }
}

function connectTo(path: string): number {
  const inode = openSync(path, O_PATH);
  try {
    return connectToInode(inode);
  } finally {
    closeSync(inode);
  }
}
