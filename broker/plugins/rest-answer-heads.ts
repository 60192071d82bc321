import { field, listOf, valuesOf } from "../protocols/http1/fields.ts";
import type { Field } from "../protocols/http1/fields.ts";
import type { Framing } from "../protocols/http1/framing.ts";
import { fieldsText } from "../protocols/http1/request-head.ts";
import type { ResponseHead } from "../protocols/http1/response-head.ts";
import { mayTrail } from "./rest-trailers.ts";

/** What was made of one field section. */
interface Written {
  readonly head: ResponseHead;
  readonly framing: Framing["kind"];
  readonly text: string;
  /** Whether that is what the provider has sent, to the byte. */
  readonly isAsSent: boolean;
}

const CR = 0x0d;
const LF = 0x0a;
/** `HTTP/1.1 200 ` */
const STATUS_BYTES = 13;

/**
 * Writes the heads of a provider's answers as the consumer gets them: as the bytes they are, where
 * these have one meaning and concern more than one hop; else in our spelling. What was made of the
 * fields is kept for as long as the parser says that they are the same.
 */
export class RestAnswerHeads {
  #last: Written | undefined;

  /** @param bytes of the head as it came, borrowed */
  write(head: ResponseHead, framing: Framing, bytes: Buffer): Buffer {
    const lineFeed = bytes.indexOf(LF);
    const last = this.#last;
    const isSame =
      last?.head.fields === head.fields &&
      last.head.status === head.status &&
      last.framing === framing.kind;
    const { text, isAsSent } = isSame ? last : this.#rewrite(head, framing, bytes, lineFeed + 1);
    const closed = bytes[lineFeed - 1] === CR;
    const lineEnd = closed ? lineFeed - 1 : lineFeed;
    // The space behind the status must be there without a reason, too (RFC 9112 §4).
    if (isAsSent && closed && lineEnd >= STATUS_BYTES) return bytes;
    const line = bytes.toString("latin1", 0, lineEnd).padEnd(STATUS_BYTES);
    return Buffer.from(`${line}\r\n${text}`, "latin1");
  }

  #rewrite(head: ResponseHead, framing: Framing, bytes: Buffer, from: number): Written {
    const text = fieldsText(fieldsForConsumer(head, framing));
    const isAsSent = bytes.toString("latin1", from) === text;
    return (this.#last = { head, framing: framing.kind, text, isAsSent });
  }
}

/** Trailers of an answer that may pass: none that says where the body ends or is for one hop. */
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
  const { status, fields } = head;
  const nominated = listOf(fields, "connection");
  // Of other answers Upgrade says what the next hop could change to, and that is the broker.
  const switches = status === 101 || status === 426;
  return fields.flatMap((one) => {
    switch (one.lower) {
      case "connection":
        return connection(one, switches);
      case "keep-alive":
        return [one];
      case "upgrade":
        return switches ? [one] : [];
      case "proxy-connection":
      case "te":
        return [];
      case "content-length":
      case "transfer-encoding":
        return framingField(one, head, framing);
      default:
        return nominated.includes(one.lower) ? [] : [one];
    }
  });
}

/** What else it names has ended here. */
function connection(one: Field, switches: boolean): Field[] {
  const all = one.value.split(",").map((option) => option.trim());
  const kept = all.filter((option) => {
    const lower = option.toLowerCase();
    return CONNECTION_OPTIONS.has(lower) || (switches && lower === "upgrade");
  });
  if (kept.length === 0) return [];
  return kept.length === all.length ? [one] : [field(one.name, kept.join(", "))];
}

function framingField(one: Field, { status, fields }: ResponseHead, framing: Framing): Field[] {
  // These have no body and must not speak of one (RFC 9110 §8.6, RFC 9112 §6.1).
  if (status < 200 || status === 204) return [];
  if (framing.kind === "length") return [field(one.name, String(framing.length))];
  if (framing.kind === "chunked") return [field(one.name, "chunked")];
  // To HEAD and with 304 it says what there would be: nothing, rather than something doubtful.
  const says = FRAMING.flatMap((name) => valuesOf(fields, name));
  return says.length === 1 && /^(?:\d{1,15}|chunked)$/i.test(says[0] ?? "") ? [one] : [];
}
