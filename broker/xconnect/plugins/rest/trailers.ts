import type { Field } from "../../../shared/protocols/http1/fields.ts";

/**
 * Fields that say how a message is framed, where it goes or what is expected of its recipient: by
 * then that is settled, and a recipient that merges trailers into the head would read them anew
 * (RFC 9110 §6.5.1).
 */
const HEAD_ONLY: ReadonlySet<string> = new Set([
  "content-length",
  "transfer-encoding",
  "host",
  "expect",
  "max-forwards",
  "trailer",
  "connection",
  "proxy-connection",
  "keep-alive",
  "te",
  "upgrade",
]);

/** Whether a field may stand in a trailer section that is passed on. */
export function mayTrail({ lower }: Field): boolean {
  return !HEAD_ONLY.has(lower);
}
