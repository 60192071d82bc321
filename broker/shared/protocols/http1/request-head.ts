import type { Field } from "./fields.ts";
import type { HeadLines } from "./head-reader.ts";
import { HttpSyntaxError } from "./syntax-error.ts";

export type HttpVersion = "1.0" | "1.1";

export interface RequestHead {
  readonly method: string;
  readonly target: string;
  readonly version: HttpVersion;
  readonly fields: readonly Field[];
}

/** A token (RFC 9110 §5.6.2), visible characters, and what is to be a version. */
const REQUEST_LINE = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+) ([\x21-\x7e]+) ([^ ]*)$/;
const VERSION = /^HTTP\/\d\.\d$/;

/** @throws HttpSyntaxError 400 or 505 */
export function parseRequestHead({ startLine, fields }: HeadLines): RequestHead {
  const [, method = "", target = "", protocol = ""] = REQUEST_LINE.exec(startLine) ?? [];
  return { method, target, version: versionOf(protocol), fields };
}

function versionOf(protocol: string): HttpVersion {
  if (protocol === "HTTP/1.1") return "1.1";
  if (protocol === "HTTP/1.0") return "1.0";
  if (VERSION.test(protocol)) {
    throw new HttpSyntaxError(505, "only HTTP/1.0 and HTTP/1.1 are spoken here");
  }
  throw new HttpSyntaxError(400, "the request line is malformed");
}

/** As it goes on the wire, one character per byte (latin1); behind it go the fields. */
export function requestLineText({ method, target, version }: RequestHead): string {
  return `${method} ${target} HTTP/${version}\r\n`;
}

/** As they go on the wire, with the empty line behind them. */
export function fieldsText(fields: readonly Field[]): string {
  let text = "";
  for (const { name, value } of fields) text += `${name}: ${value}\r\n`;
  return `${text}\r\n`;
}
