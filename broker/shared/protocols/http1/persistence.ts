import { listOf } from "./fields.ts";
import type { Field } from "./fields.ts";
import type { HttpVersion } from "./request-head.ts";

/** Whether the sender of this head takes the connection for open behind it (RFC 9112 §9.3). */
export function staysOpen({
  version,
  fields,
}: {
  readonly version: HttpVersion;
  readonly fields: readonly Field[];
}): boolean {
  const options = listOf(fields, "connection");
  if (options.includes("close")) return false;
  return version === "1.1" || options.includes("keep-alive");
}
