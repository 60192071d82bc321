import { SystemCallError } from "../linux/errno.ts";
import { PeerGone } from "./peer-gone.ts";

/** How long a connection waits for its provider, in milliseconds. */
export const PROVIDER_WAIT = 5_000;
/** The one pause of the broker that polls: nothing tells when a provider begins to listen. */
export const PROVIDER_POLL = 20;

const WAIT_FOR = ["ENOENT", "ECONNREFUSED", "EAGAIN"];

/** True of a provider that restarts, does not listen yet or has a full backlog. */
export function mayBecomeReachable(error: unknown): boolean {
  if (error instanceof PeerGone) return true;
  return error instanceof SystemCallError && WAIT_FOR.includes(error.code);
}
