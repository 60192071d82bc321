import { field, listOf, valuesOf } from "../../../shared/protocols/http1/fields.ts";
import type { Field } from "../../../shared/protocols/http1/fields.ts";
import type { Framing } from "../../../shared/protocols/http1/framing.ts";
import { fieldsText } from "../../../shared/protocols/http1/request-head.ts";
import type { ResponseHead } from "../../../shared/protocols/http1/response-head.ts";
import { mayTrail } from "./trailers.ts";

/** Result of writing one field section. */
interface Written {
  readonly head: ResponseHead;
  readonly framing: Framing["kind"];
  /** Text of the fields; undefined when they go on as they are. */
  readonly text: string | undefined;
}

const CR = 0x0d;
const LF = 0x0a;
/** `HTTP/1.1 200 `: the space is there without a reason, too (RFC 9112 §4). */
const STATUS_BYTES = 13;

/**
 * Writes the heads of a provider's responses as the consumer gets them: as the bytes they are,
 * where these are plain and concern more than one hop; else in our spelling. The written fields are
 * kept and used again for as long as the parser says that the fields are the same.
 */
export class RestResponseHeads {
  #last: Written | undefined;

  /**
   * @param bytes of the head as it came, borrowed
   * @param isPlain whether they are spelt as we would
   */
  write(head: ResponseHead, framing: Framing, bytes: Buffer, isPlain: boolean): Buffer {
    const last = this.#last;
    const isSame =
      last?.head.fields === head.fields &&
      last.head.status === head.status &&
      last.framing === framing.kind;
    const { text } = isSame ? last : this.#rewrite(head, framing);
    if (isPlain && text === undefined) return bytes;
    const lineFeed = bytes.indexOf(LF);
    const lineEnd = bytes[lineFeed - 1] === CR ? lineFeed - 1 : lineFeed;
    const line = bytes.toString("latin1", 0, lineEnd).padEnd(STATUS_BYTES);
    return Buffer.from(`${line}\r\n${text ?? fieldsText(head.fields)}`, "latin1");
  }

  #rewrite(head: ResponseHead, framing: Framing): Written {
    const passes = head.fields.every((one) => fieldForConsumer(one, head, framing) === one);
    const text = passes ? undefined : fieldsText(fieldsForConsumer(head, framing));
    return (this.#last = { head, framing: framing.kind, text });
  }
}

/** Trailers of a response that may pass: none that says where the body ends or is for one hop. */
export function trailersForConsumer(
  trailers: readonly Field[],
  { fields }: ResponseHead,
): readonly Field[] {
  const nominated = listOf(fields, "connection");
  return trailers.filter((one) => mayTrail(one) && !nominated.includes(one.lower));
}

const FRAMING = ["content-length", "transfer-encoding"] as const;
/** The two connections of a session live and end together, so what one says holds for the other. */
const CONNECTION_OPTIONS: ReadonlySet<string> = new Set(["close", "keep-alive"]);

function fieldsForConsumer(head: ResponseHead, framing: Framing): Field[] {
  const nominated = listOf(head.fields, "connection");
  return head.fields.flatMap((one) => {
    if (nominated.includes(one.lower) && !MANAGED.has(one.lower)) return [];
    return fieldForConsumer(one, head, framing) ?? [];
  });
}

/** Fields that stay, or go, whatever Connection says. */
const MANAGED: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "upgrade",
  "content-length",
  "transfer-encoding",
]);

/** @returns undefined when it ends here; what Connection names ends besides */
function fieldForConsumer(one: Field, head: ResponseHead, framing: Framing): Field | undefined {
  // In other responses Upgrade offers protocols of the next hop only, and that is the broker.
  const switches = head.status === 101 || head.status === 426;
  switch (one.lower) {
    case "connection":
      return connection(one, switches);
    case "upgrade":
      return switches ? one : undefined;
    case "proxy-connection":
    case "te":
      return undefined;
    case "content-length":
    case "transfer-encoding":
      return framingField(one, head, framing);
    default:
      return one;
  }
}

/** The field without the options that end here: the same object when there are none. */
function connection(one: Field, switches: boolean): Field | undefined {
  const all = one.value.split(",").map((option) => option.trim());
  const kept = all.filter((option) => {
    const lower = option.toLowerCase();
    return CONNECTION_OPTIONS.has(lower) || (switches && lower === "upgrade");
  });
  if (kept.length === all.length) return one;
  return kept.length === 0 ? undefined : field(one.name, kept.join(", "));
}

function framingField(one: Field, head: ResponseHead, framing: Framing): Field | undefined {
  const { status, fields } = head;
  // These have no body and must not speak of one (RFC 9110 §8.6, RFC 9112 §6.1).
  if (status < 200 || status === 204) return undefined;
  if (framing.kind === "length") return spelt(one, String(framing.length));
  if (framing.kind === "chunked") return spelt(one, "chunked");
  // To HEAD and with 304 it says what there would be: nothing, rather than something doubtful.
  const says = FRAMING.flatMap((name) => valuesOf(fields, name));
  const isSure = says.length === 1 && /^(?:\d{1,15}|chunked)$/i.test(says[0] ?? "");
  return isSure ? one : undefined;
}

function spelt(one: Field, value: string): Field {
  return one.value === value ? one : field(one.name, value);
}
