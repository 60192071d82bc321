import { STATUS_CODES } from "node:http";

export interface BrokerResponseOptions {
  /** Method of the request, when it is known: a response to HEAD has no body. */
  readonly method?: string | undefined;
  /** Value of the Connection field; without that field, HTTP/1.1 keeps the connection. */
  readonly connection?: "close" | "keep-alive" | undefined;
}

/** A response of the broker's own, with the JSON body `{"Error":"…"}` as pv-ctrl's are. */
export function brokerResponse(
  status: number,
  detail: string,
  options: BrokerResponseOptions = {},
): Buffer {
  const body = JSON.stringify({ Error: detail });
  const lines = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? "Error"}`,
    "Content-Type: application/json",
    `Content-Length: ${body.length}`,
    ...(options.connection === undefined ? [] : [`Connection: ${options.connection}`]),
    // RFC 9110 §15.5.6 wants the list.
    ...(status === 405 ? ["Allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"] : []),
  ];
  const text = `${lines.join("\r\n")}\r\n\r\n${options.method === "HEAD" ? "" : body}`;
  return Buffer.from(text, "latin1");
}
