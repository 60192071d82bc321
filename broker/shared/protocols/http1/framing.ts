import { valuesOf } from "./fields.ts";
import type { Field } from "./fields.ts";
import { HttpSyntaxError } from "./syntax-error.ts";
import type { RequestHead } from "./request-head.ts";
import type { ResponseHead } from "./response-head.ts";

/** How the end of a body is found (RFC 9112 §6.3). `until-close` is for responses only. */
export type Framing =
  | { readonly kind: "none" }
  | { readonly kind: "length"; readonly length: number }
  | { readonly kind: "chunked" }
  | { readonly kind: "until-close" };

const NO_BODY: Framing = { kind: "none" };

/**
 * Framing of a request; everything that two recipients could read differently is refused,
 * since the provider behind us would be the second.
 * @throws HttpSyntaxError 400
 */
export function requestFraming(head: RequestHead): Framing {
  refuseLookAlikes(head.fields);
  const lengths = valuesOf(head.fields, "content-length");
  const codings = valuesOf(head.fields, "transfer-encoding");
  if (codings.length === 0) {
    return lengths.length === 0 ? NO_BODY : { kind: "length", length: contentLength(lengths) };
  }
  if (lengths.length > 0) {
    throw new HttpSyntaxError(400, "both Content-Length and Transfer-Encoding");
  }
  if (head.version === "1.0") throw new HttpSyntaxError(400, "Transfer-Encoding in HTTP/1.0");
  if (codings.length !== 1 || codings[0]?.toLowerCase() !== "chunked") {
    throw new HttpSyntaxError(400, "Transfer-Encoding is not chunked alone");
  }
  return { kind: "chunked" };
}

/**
 * @param method of the request that this answers
 * @throws HttpSyntaxError when the end of the response cannot be told
 */
export function responseFraming(head: ResponseHead, method: string): Framing {
  const { status, fields } = head;
  if (method === "HEAD" || status < 200 || status === 204 || status === 304) {
    return { kind: "none" };
  }
  const lengths = valuesOf(fields, "content-length");
  const codings = valuesOf(fields, "transfer-encoding");
  if (codings.length === 0) {
    return lengths.length === 0
      ? { kind: "until-close" }
      : { kind: "length", length: contentLength(lengths) };
  }
  if (lengths.length > 0 || head.version === "1.0") {
    throw new HttpSyntaxError(400, "contradicting Content-Length and Transfer-Encoding");
  }
  // TE ends at the broker, so no request allowed another coding; clients differ in reading one.
  if (codings.length !== 1 || codings[0]?.toLowerCase() !== "chunked") {
    throw new HttpSyntaxError(400, "Transfer-Encoding is not chunked alone");
  }
  return { kind: "chunked" };
}

/** Digits only (RFC 9110 §8.6), once; 15 of them stay exact in a number. */
function contentLength(values: readonly string[]): number {
  const [value = ""] = values;
  if (values.length !== 1) throw new HttpSyntaxError(400, "repeated Content-Length");
  if (!/^[0-9]{1,15}$/.test(value)) throw new HttpSyntaxError(400, "malformed Content-Length");
  return Number(value);
}

/** `Content_Length` is the same variable as `Content-Length` to a CGI or WSGI provider. */
function refuseLookAlikes(fields: readonly Field[]): void {
  for (const { lower } of fields) {
    if (lower.length !== "content-length".length && lower.length !== "transfer-encoding".length) {
      continue;
    }
    const folded = lower.replace(/[^a-z0-9]/g, "-");
    if (lower !== folded && (folded === "content-length" || folded === "transfer-encoding")) {
      throw new HttpSyntaxError(400, "a header field that looks like a framing field");
    }
  }
}
