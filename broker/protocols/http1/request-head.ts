import { parseField, TOKEN } from "./fields.ts";
import type { Field } from "./fields.ts";
import { HttpSyntaxError } from "./syntax-error.ts";
import { withoutTerminator } from "./section-reader.ts";

export type HttpVersion = "1.0" | "1.1";

export interface RequestHead {
  readonly method: string;
  readonly target: string;
  readonly version: HttpVersion;
  readonly fields: readonly Field[];
}

/**
 * @param lines of a head with terminators, the empty last one included
 * @throws HttpSyntaxError 400 or 505
 */
export function parseRequestHead(lines: readonly string[]): RequestHead {
  const [requestLine = "", ...fieldLines] = lines
    .slice(0, -1)
    .map((line) => withoutTerminator(line, false));
  // A head is ended by CRLF alone, so the last line is checked like the others.
  withoutTerminator(lines.at(-1) ?? "", false);
  const parts = requestLine.split(" ");
  const [method = "", target = "", protocol = ""] = parts;
  const version = /^HTTP\/(\d\.\d)$/.exec(protocol)?.[1];
  if (parts.length !== 3 || !TOKEN.test(method) || !/^[\x21-\x7e]+$/.test(target) || !version) {
    throw new HttpSyntaxError(400, "the request line is malformed");
  }
  if (version !== "1.0" && version !== "1.1") {
    throw new HttpSyntaxError(505, "only HTTP/1.0 and HTTP/1.1 are spoken here");
  }
  const fields = fieldLines.map(parseField);
  if (fields.filter((field) => field.name.toLowerCase() === "host").length > 1) {
    throw new HttpSyntaxError(400, "more than one Host field"); // RFC 9112 §3.2
  }
  return { method, target, version, fields };
}

/** The head as it goes on the wire. */
export function requestHeadBytes(head: RequestHead): Buffer {
  const fields = head.fields.map(({ name, value }) => `${name}: ${value}\r\n`).join("");
  return Buffer.from(
    `${head.method} ${head.target} HTTP/${head.version}\r\n${fields}\r\n`,
    "latin1",
  );
}
