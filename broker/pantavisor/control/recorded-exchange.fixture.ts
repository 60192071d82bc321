import { readFileSync } from "node:fs";
import { join } from "node:path";

/** An exchange with the real pv-ctrl (fixtures/captures/README.md). */
export interface RecordedExchange {
  /** File and heading. */
  readonly what: string;
  readonly request: Buffer;
  readonly replies: readonly ReplyBytes[];
}

export interface ReplyBytes {
  readonly status: number;
  /** Media type without its parameters. */
  readonly type: string;
  readonly body: string;
}

const FOLDER = join(import.meta.dirname, "../../../fixtures/captures");

/** All exchanges of a file whose request was recorded. */
export function recordedExchanges(file: string): RecordedExchange[] {
  return recordedText(file)
    .split(/^### /m)
    .slice(1)
    .flatMap((part) => {
      const title = part.slice(0, part.indexOf("\n"));
      const match = /^>>> b'(.*)'\n([\s\S]*?)<(?:EOF|TIMEOUT)>/m.exec(part);
      if (match === null) return [];
      const [, literal = "", reply = ""] = match;
      return [
        { what: `${file}: ${title}`, request: bytesOf(literal), replies: parseReplies(reply) },
      ];
    });
}

export function recordedText(file: string): string {
  return readFileSync(join(FOLDER, file), "utf8").replaceAll("\r\n", "\n");
}

/** Status, type and body of each reply in what a connection gave. */
export function parseReplies(text: string): ReplyBytes[] {
  return text
    .replaceAll("\r\n", "\n")
    .split(/(?=HTTP\/1\.[01] \d)/)
    .flatMap((reply) => {
      const match = /^HTTP\/1\.[01] (\d+)[^\n]*\n([\s\S]*?)\n\n([\s\S]*)$/.exec(reply);
      if (match === null) return [];
      const type = /^content-type: *([^;\n]*)/im.exec(match[2] ?? "")?.[1] ?? "";
      return [{ status: Number(match[1]), type, body: match[3] ?? "" }];
    });
}

/** A bytes literal of Python, without its quotes; what the recording has cut off is padded. */
function bytesOf(literal: string): Buffer {
  const text = literal.replace(/\\(x[0-9a-f]{2}|.)/g, (_, code: string) => {
    if (code.startsWith("x")) return String.fromCharCode(Number.parseInt(code.slice(1), 16));
    return { r: "\r", n: "\n" }[code] ?? code;
  });
  const length = Number(/content-length: (\d+)/i.exec(text)?.[1] ?? 0);
  const body = text.indexOf("\r\n\r\n") + 4;
  const missing = body < 4 ? 0 : Math.max(0, length - (text.length - body));
  return Buffer.from(text + "a".repeat(missing), "latin1");
}
