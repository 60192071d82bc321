import { parseField, TOKEN } from "./fields.ts";
import type { Field } from "./fields.ts";
import { linesOf } from "./section-reader.ts";
import { HttpSyntaxError } from "./syntax-error.ts";

export type HttpVersion = "1.0" | "1.1";

export interface RequestHead {
  readonly method: string;
  readonly target: string;
  readonly version: HttpVersion;
  readonly fields: readonly Field[];
}

const TARGET = /^[\x21-\x7e]+$/;
const VERSION = /^HTTP\/\d\.\d$/;

/**
 * @param section lines of a head with CRLF, the empty last one included
 * @throws HttpSyntaxError 400 or 505
 */
export function parseRequestHead(section: string): RequestHead {
  const [requestLine = "", ...fieldLines] = linesOf(section);
  const parts = requestLine.split(" ");
  const [method = "", target = "", protocol = ""] = parts;
  if (parts.length !== 3 || !TOKEN.test(method) || !TARGET.test(target)) {
    throw new HttpSyntaxError(400, "the request line is malformed");
  }
  const version = versionOf(protocol);
  const fields = fieldLines.map(parseField);
  let hosts = 0;
  for (const { lower } of fields) if (lower === "host") hosts += 1;
  if (hosts > 1) throw new HttpSyntaxError(400, "more than one Host field"); // RFC 9112 §3.2
  return { method, target, version, fields };
}

function versionOf(protocol: string): HttpVersion {
  if (protocol === "HTTP/1.1") return "1.1";
  if (protocol === "HTTP/1.0") return "1.0";
  if (VERSION.test(protocol)) {
    throw new HttpSyntaxError(505, "only HTTP/1.0 and HTTP/1.1 are spoken here");
  }
  throw new HttpSyntaxError(400, "the request line is malformed");
}

/** The head as it goes on the wire, one character per byte (latin1). */
export function requestHeadText({ method, target, version, fields }: RequestHead): string {
  let text = `${method} ${target} HTTP/${version}\r\n`;
  for (const { name, value } of fields) text += `${name}: ${value}\r\n`;
  return `${text}\r\n`;
}
