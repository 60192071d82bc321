const REASONS: Readonly<Record<number, string>> = {
  400: "Bad Request",
  405: "Method Not Allowed",
  408: "Request Timeout",
  431: "Request Header Fields Too Large",
  502: "Bad Gateway",
  505: "HTTP Version Not Supported",
};

/**
 * An answer of the broker's own, the last one on its connection.
 * @param method of the request when it is known: an answer to HEAD has no body
 */
export function brokerAnswer(status: number, detail: string, method?: string): Buffer {
  const body = `pv-xconnect: ${detail}\n`;
  const lines = [
    `HTTP/1.1 ${status} ${REASONS[status] ?? "Error"}`,
    "Content-Type: text/plain",
    `Content-Length: ${body.length}`,
    "Connection: close",
    // RFC 9110 §15.5.6 wants the list.
    ...(status === 405 ? ["Allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"] : []),
  ];
  const text = `${lines.join("\r\n")}\r\n\r\n${method === "HEAD" ? "" : body}`;
  return Buffer.from(text, "latin1");
}
