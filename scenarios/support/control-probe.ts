/** pv-ctrl's socket as a container sees it. */
export const INNER_CONTROL_SOCKET = "/pantavisor/pv-ctrl";

/** A whole request whose connection ends with its reply. */
export function wholeRequest(method: string, path: string, body?: string): string {
  const length = body === undefined ? "" : `Content-Length: ${Buffer.byteLength(body)}\r\n`;
  const head = `${method} ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n${length}`;
  return `${head}\r\n${body ?? ""}`;
}

export interface RawReply {
  readonly status: number;
  readonly head: string;
  readonly body: string;
}

/** The replies in what a server sent; each must have a Content-Length. */
export function repliesOf(bytes: string): RawReply[] {
  const replies: RawReply[] = [];
  for (let rest = bytes; rest !== "";) {
    const end = rest.indexOf("\r\n\r\n");
    const head = end === -1 ? rest : rest.slice(0, end);
    const length = Number(/^content-length: *(\d+)$/im.exec(head)?.[1] ?? rest.length);
    const body = end === -1 ? "" : rest.slice(end + 4, end + 4 + length);
    replies.push({ status: Number(/^HTTP\/1\.[01] (\d+)/.exec(head)?.[1] ?? 0), head, body });
    rest = end === -1 ? "" : rest.slice(end + 4 + length);
  }
  return replies;
}
