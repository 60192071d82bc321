import { SystemCallError } from "../linux/errno.ts";
import type { Quirks } from "../quirks/quirks.ts";
import { PeerGone } from "./peer-gone.ts";

/** How long a connection waits for its provider, in milliseconds. */
export const PROVIDER_WAIT = 5_000;
/** The one pause of the broker that polls: nothing tells when a provider begins to listen. */
export const PROVIDER_POLL = 20;

/** Not there yet, does not listen yet, its backlog is full, or we are short of descriptors. */
export function mayBecomeReachable(error: unknown, quirks: Quirks): boolean {
  if (error instanceof PeerGone) return true;
  const waitFor = ["ENOENT", "ECONNREFUSED", "EMFILE", "ENFILE"];
  if (!quirks.has("provider-eagain-reset")) waitFor.push("EAGAIN");
  return error instanceof SystemCallError && waitFor.includes(error.code);
}
