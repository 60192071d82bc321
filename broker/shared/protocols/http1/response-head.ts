import type { Field } from "./fields.ts";
import type { HeadLines } from "./head-reader.ts";
import type { HttpVersion } from "./request-head.ts";
import { HttpSyntaxError } from "./syntax-error.ts";

export interface ResponseHead {
  readonly version: HttpVersion;
  readonly status: number;
  readonly fields: readonly Field[];
}

/** The reason has no CR, LF, NUL or other control in it (RFC 9112 §4). */
const STATUS_LINE = /^HTTP\/1\.([01]) ([1-9][0-9]{2})(?: [\t\x20-\x7e\x80-\xff]*)?$/;

/** @throws HttpSyntaxError */
export function parseResponseHead({ startLine, fields }: HeadLines): ResponseHead {
  const match = STATUS_LINE.exec(startLine);
  if (match === null) throw new HttpSyntaxError(400, "the status line is malformed");
  return {
    version: match[1] === "0" ? "1.0" : "1.1",
    status: Number(match[2]),
    fields,
  };
}
