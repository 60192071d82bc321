import * as z from "zod";
import { parseUntrusted } from "../shared/formats/json-depth.ts";

/** Levels of a message, by the number that PV_LOG_LEVEL compares. */
const LEVELS = ["FATAL", "ERROR", "WARN", "INFO", "DEBUG", "TRACE"] as const;

/** A message to pv-ctrl-log, of any of its formats (docs/pantavisor.md §2.6). */
export interface LogMessage {
  /** Number of its level, 0 for FATAL. */
  readonly level: number;
  /** Name that the sender gives to what has logged. */
  readonly source: string;
  readonly text: string;
  /** Container that the sender says it is, which nobody believes: of the binary format alone. */
  readonly claimed?: string;
}

const UNKNOWN_SOURCE = "unknown-app";

/** @returns undefined for what is none of the formats */
export function parseLogMessage(bytes: Buffer): LogMessage | undefined {
  const text = bytes.toString("utf8");
  if (text.startsWith("<")) return parseSyslog(text);
  if (text.trimStart().startsWith("{")) return parseJson(text);
  return parsePairs(text) ?? parseBinary(bytes);
}

function levelOf(name: string): number | undefined {
  const level = (LEVELS as readonly string[]).indexOf(name.toUpperCase());
  return level < 0 ? undefined : level;
}

const jsonSchema = z.object({
  version: z.literal("0"),
  level: z.string(),
  src: z.string().min(1),
  message: z.string(),
});

function parseJson(text: string): LogMessage | undefined {
  try {
    const { level: name, src, message } = jsonSchema.parse(parseUntrusted(text));
    const level = levelOf(name);
    return level === undefined ? undefined : { level, source: src, text: message };
  } catch {
    return undefined;
  }
}

/** `level=INFO src=app message="hello world"`, in any order. */
const PAIR = /\s*(level|src|message)=(?:"((?:[^"\\]|\\.)*)"|([^\s"]\S*))(?=\s|$)/y;

function parsePairs(text: string): LogMessage | undefined {
  const given = withoutEnd(text);
  const found = new Map<string, string>();
  PAIR.lastIndex = 0;
  for (let at = 0; at < given.length; at = PAIR.lastIndex) {
    const [, key = "", quoted, plain] = PAIR.exec(given) ?? [];
    if (key === "" || found.has(key)) return undefined;
    found.set(key, quoted?.replaceAll('\\"', '"') ?? plain ?? "");
  }
  const [source, message] = [found.get("src"), found.get("message")];
  const level = levelOf(found.get("level") ?? "");
  if (level === undefined || source === undefined || message === undefined) return undefined;
  return source === "" ? undefined : { level, source, text: message };
}

/** Levels of syslog's severities, from EMERG to DEBUG. */
const SEVERITIES = [0, 0, 1, 1, 2, 3, 3, 4];

/** RFC 5424 has its version behind the priority; all else is RFC 3164. */
function parseSyslog(text: string): LogMessage | undefined {
  const [priority = "", number] = /^<(\d{1,3})>/.exec(text) ?? [];
  if (number === undefined || Number(number) > 191) return undefined;
  const level = SEVERITIES[Number(number) % 8] ?? 0;
  const rest = withoutEnd(text.slice(priority.length));
  const modern = /^1 \S+ \S+ (\S+) \S+ \S+ (?:-|(?:\[(?:[^\]\\]|\\.)*\])+)(?: (.*))?$/s.exec(rest);
  if (modern !== null) {
    const [, app = "-", message = ""] = modern;
    return {
      level,
      source: app === "-" ? UNKNOWN_SOURCE : app,
      text: message.replace(/^\ufeff/, ""),
    };
  }
  const [stamp = ""] = /^[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d /.exec(rest) ?? [];
  const [, app, message] =
    /^(?:[^\s:[\]]+ )?([^\s:[\]]+)(?:\[\d+\])?: ?(.*)$/s.exec(rest.slice(stamp.length)) ?? [];
  if (app === undefined) return { level, source: UNKNOWN_SOURCE, text: rest.slice(stamp.length) };
  return { level, source: app, text: message ?? "" };
}

/** struct logserver_msg: code 0, length, and `level\0platform\0source\0data`. */
const BINARY_HEAD = 8;

function parseBinary(bytes: Buffer): LogMessage | undefined {
  if (bytes.length < BINARY_HEAD || bytes.readInt32LE(0) !== 0) return undefined;
  const length = bytes.readInt32LE(4);
  if (length < 0 || BINARY_HEAD + length > bytes.length) return undefined;
  const [level, claimed = "", source, ...data] = bytes
    .toString("utf8", BINARY_HEAD, BINARY_HEAD + length)
    .split("\0");
  const number = level === undefined || !/^[0-5]$/.test(level) ? undefined : Number(level);
  if (number === undefined || source === undefined || source === "") return undefined;
  return { level: number, source, text: withoutEnd(data.join("\0"), /[\n\0]/), claimed };
}

/**
 * A text without the blanks at its end. A pattern with `+$` would try from each blank on: seconds for a
 * message of blanks, in which pantavisor serves nobody.
 */
function withoutEnd(text: string, blank = /[\s\0]/): string {
  let end = text.length;
  while (end > 0 && blank.test(text.charAt(end - 1))) end -= 1;
  return text.slice(0, end);
}
