import { SystemCallError } from "../../shared/linux/errno.ts";
import type { Quirks } from "../../shared/quirks/quirks.ts";
import { PeerGone } from "./peer-gone.ts";

/** Milliseconds that a connection waits for its provider. */
export const PROVIDER_WAIT = 5_000;
/** Milliseconds between attempts to connect: nothing reports when a provider begins to listen. */
export const PROVIDER_POLL = 20;

/**
 * True when trying again may help: no listener yet, a full backlog, or too few descriptors of ours.
 */
export function mayBecomeReachable(error: unknown, quirks: Quirks): boolean {
  if (quirks.has("provider-not-awaited")) return false;
  if (error instanceof PeerGone) return true;
  const waitFor = ["ENOENT", "ECONNREFUSED", "EMFILE", "ENFILE"];
  if (!quirks.has("provider-eagain-reset")) waitFor.push("EAGAIN");
  return error instanceof SystemCallError && waitFor.includes(error.code);
}
