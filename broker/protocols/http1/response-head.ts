import { parseField } from "./fields.ts";
import type { Field } from "./fields.ts";
import type { HttpVersion } from "./request-head.ts";
import { linesOf } from "./section-reader.ts";
import { HttpSyntaxError } from "./syntax-error.ts";

export interface ResponseHead {
  readonly version: HttpVersion;
  readonly status: number;
  readonly fields: readonly Field[];
}

const STATUS_LINE = /^HTTP\/1\.([01]) ([1-9][0-9]{2})(?: |$)/;

/**
 * Lines may end with LF alone: providers are often shell scripts, and a response is passed on
 * as the bytes it is, to a consumer that has nothing else on this connection to confuse.
 * @param section lines of a head with terminators, the empty last one included
 * @throws HttpSyntaxError
 */
export function parseResponseHead(section: string): ResponseHead {
  const [statusLine = "", ...fieldLines] = linesOf(section);
  const match = STATUS_LINE.exec(statusLine);
  if (match === null) throw new HttpSyntaxError(400, "the status line is malformed");
  return {
    version: match[1] === "0" ? "1.0" : "1.1",
    status: Number(match[2]),
    fields: fieldLines.map(parseField),
  };
}
