import { listOf, valuesOf } from "./fields.ts";
import type { Framing } from "./framing.ts";
import type { RequestHead } from "./request-head.ts";

/**
 * Framing as a careless proxy reads it: chunked wins over any length, the first number
 * in the first length counts.
 */
export function carelessRequestFraming(head: RequestHead): Framing {
  if (listOf(head.fields, "transfer-encoding").includes("chunked")) return { kind: "chunked" };
  const length = Number.parseInt(valuesOf(head.fields, "content-length")[0] ?? "", 10);
  return length > 0 ? { kind: "length", length } : { kind: "none" };
}
