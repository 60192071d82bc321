import type { Readable } from "node:stream";

/** A reply of pv-ctrl. */
export interface Reply {
  readonly status: number;
  readonly contentType: "application/json" | "text/plain" | "application/octet-stream";
  readonly body: string | SizedStream;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface SizedStream {
  readonly content: Readable;
  /** Bytes. */
  readonly size: number;
}

/** The connection ends with this reply: what the client still sends is not read. */
export const closing = { Connection: "close" };

export function jsonReply(value: unknown): Reply {
  return { status: 200, contentType: "application/json", body: JSON.stringify(value) };
}

export function textReply(body: string): Reply {
  return { status: 200, contentType: "text/plain", body };
}

/** The request is accepted; there is nothing to say. */
export const accepted: Reply = { status: 200, contentType: "application/json", body: "" };

/** `{"Error":"…"}` (docs/pantavisor.md §3.1); unlike the real one, the text is escaped. */
export function errorReply(
  status: number,
  text: string,
  headers: Readonly<Record<string, string>> = {},
): Reply {
  const body = JSON.stringify({ Error: text });
  return { status, contentType: "application/json", body, headers };
}
