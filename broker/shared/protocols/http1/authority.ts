import { valuesOf } from "./fields.ts";
import type { Field } from "./fields.ts";
import { HttpSyntaxError } from "./syntax-error.ts";

/** host [":" port] without user information, which RFC 9110 §4.2.4 has refused. */
const AUTHORITY =
  /^(?:[A-Za-z0-9\-._~!$&'()*+;=%]*|\[(?:[0-9A-Fa-f:.]+|v[0-9A-Fa-f]+\.[A-Za-z0-9\-._~!$&'()*+,;=:]+)\])(?::[0-9]{0,5})?$/;

/** Whether it names a host, perhaps the empty one, and perhaps a port. */
export function isAuthority(text: string): boolean {
  return AUTHORITY.test(text);
}

/**
 * Refuses a Host that two readers could understand differently: a provider that makes a URL of it
 * could find another path in it, and could take either of two hosts (RFC 9112 §3.2). An absent or
 * empty Host passes.
 * @throws HttpSyntaxError 400
 */
export function refuseDoubtfulHost(fields: readonly Field[]): void {
  const [host = "", ...others] = valuesOf(fields, "host");
  if (others.length > 0) throw new HttpSyntaxError(400, "more than one Host field");
  if (!isAuthority(host)) throw new HttpSyntaxError(400, "the Host field names no host");
}
