import type { SaslClaim } from "../../../shared/protocols/sasl/server.ts";
import type { Quirks } from "../../../shared/quirks/quirks.ts";
import { parseId } from "../accounts.ts";
import { root } from "./identity.ts";
import type { Credentials, Link } from "../plugin.ts";

/**
 * The credentials that a claim is granted: those of the consumer's link.
 * @returns undefined when the claim is to be rejected, which happens under a quirk only
 */
export function granted(
  claim: SaslClaim,
  rejections: number,
  identity: Credentials,
  quirks: Quirks,
): Credentials | undefined {
  if (claim.bare && quirks.has("dbus-bare-auth", "dbus")) return root;
  if (!quirks.has("dbus-second-auth", "dbus")) return identity;
  const uid = parseId(claim.uid) ?? identity.uid;
  if (rejections > 0) return { uid, gid: uid, groups: [] };
  // Ordinary clients run as root in their container and get through at once.
  return uid === 0 || uid === identity.uid ? identity : undefined;
}

export function notTaken(link: Link, credentials: Credentials, reason: string): string {
  return `${link.provider} does not take ${roleOf(link, credentials)}: ${reason}`;
}

/** The role in log lines. */
export function roleOf({ role }: Link, { uid }: Credentials): string {
  return `role '${role}' (UID ${uid})`;
}
