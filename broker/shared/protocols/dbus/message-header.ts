import { MAX_HEADER_BYTES, MAX_MESSAGE_BYTES } from "./limits.ts";
import { MalformedMessage } from "./malformed-message.ts";
import { isBusName, isInterfaceName, isMemberName, isObjectPath } from "./names.ts";
import { checkSignature, skipValue, typeEnd } from "./signature.ts";
import { WireReader } from "./wire-reader.ts";

export const METHOD_CALL = 1;
export const METHOD_RETURN = 2;
export const ERROR = 3;
export const SIGNAL = 4;

export const NO_REPLY_EXPECTED = 1;
export const NO_AUTO_START = 2;

/** Offset of the flags in a message, in bytes. */
export const FLAGS_AT = 2;
/** Bytes up to and including the length of the fields. */
export const FIXED_BYTES = 16;

/**
 * A message without its body. An absent text is "", which no name can be; an absent number is 0.
 */
export interface MessageHeader {
  readonly littleEndian: boolean;
  /** Type of the message; types above SIGNAL are ignored (specification, "Message Format"). */
  readonly type: number;
  readonly flags: number;
  readonly serial: number;
  readonly path: string;
  readonly interface: string;
  readonly member: string;
  readonly errorName: string;
  readonly replySerial: number;
  readonly destination: string;
  readonly sender: string;
  readonly signature: string;
  readonly unixFds: number;
  /** Bytes before the body, padding included. */
  readonly headerLength: number;
  /** Bytes of the whole message. */
  readonly size: number;
}

/**
 * @param start offset of the message, of which FIXED_BYTES have arrived
 * @returns bytes before the body
 * @throws MalformedMessage when no message begins like this
 */
export function headerLength(bytes: Buffer, start: number): number {
  const order = bytes[start];
  if (order !== LITTLE && order !== BIG) throw new MalformedMessage("an unknown byte order");
  if (bytes[start + 1] === 0) throw new MalformedMessage("a message of type 0");
  if (bytes[start + 3] !== 1) throw new MalformedMessage("an unknown protocol version");
  const little = order === LITTLE;
  const body = little ? bytes.readUInt32LE(start + 4) : bytes.readUInt32BE(start + 4);
  const fields = little ? bytes.readUInt32LE(start + 12) : bytes.readUInt32BE(start + 12);
  const length = FIXED_BYTES + fields + (-fields & 7);
  if (length > MAX_HEADER_BYTES) throw new MalformedMessage(`a header of ${length} bytes`);
  if (length + body > MAX_MESSAGE_BYTES) {
    throw new MalformedMessage(`a message of ${length + body} bytes`);
  }
  return length;
}

/**
 * @param start offset of the message, whose header has arrived completely
 * @throws MalformedMessage for a header that libdbus calls invalid, and for lengths beyond the
 *         limits
 */
export function parseHeader(bytes: Buffer, start: number): MessageHeader {
  const length = headerLength(bytes, start);
  const littleEndian = bytes[start] === LITTLE;
  const end =
    FIXED_BYTES + (littleEndian ? bytes.readUInt32LE(start + 12) : bytes.readUInt32BE(start + 12));
  const body = littleEndian ? bytes.readUInt32LE(start + 4) : bytes.readUInt32BE(start + 4);
  const header = {
    littleEndian,
    type: bytes[start + 1] ?? 0,
    flags: bytes[start + FLAGS_AT] ?? 0,
    serial: littleEndian ? bytes.readUInt32LE(start + 8) : bytes.readUInt32BE(start + 8),
    path: "",
    interface: "",
    member: "",
    errorName: "",
    replySerial: 0,
    destination: "",
    sender: "",
    signature: "",
    unixFds: 0,
    headerLength: length,
    size: length + body,
  };
  if (header.serial === 0) throw new MalformedMessage("a serial of 0");
  const reader = new WireReader(bytes, start, littleEndian, FIXED_BYTES, end);
  let seen = 0;
  while (reader.position < end) {
    reader.align(8);
    const code = reader.byte();
    if (code === 0) throw new MalformedMessage("a field of code 0");
    const signature = reader.signature();
    const known = FIELDS[code];
    if (known === undefined) {
      if (signature === "" || typeEnd(signature, 0) !== signature.length) {
        throw new MalformedMessage("a field that is not of one complete type");
      }
      skipValue(reader, signature, 0);
      continue;
    }
    if (signature !== known) throw new MalformedMessage(`a field ${code} of type ${signature}`);
    if ((seen & (1 << code)) !== 0) throw new MalformedMessage(`two fields ${code}`);
    seen |= 1 << code;
    readField(header, code, reader);
  }
  const padding = new WireReader(bytes, start, littleEndian, end, length);
  padding.align(8);
  if (header.signature === "" && body > 0) throw new MalformedMessage("a body without signature");
  checkFields(header);
  return header;
}

const LITTLE = 0x6c;
const BIG = 0x42;

/** Types of the known fields by code (specification, "Header Fields"). */
const FIELDS: readonly (string | undefined)[] = [
  ...[undefined, "o", "s", "s", "s"],
  ...["u", "s", "s", "g", "u"],
];

type Fields = { -readonly [K in keyof MessageHeader]: MessageHeader[K] };

function readField(header: Fields, code: number, reader: WireReader): void {
  switch (code) {
    case 1:
      header.path = valid(reader.ascii(), isObjectPath, "object path");
      break;
    case 2:
      header.interface = valid(reader.ascii(), isInterfaceName, "interface");
      break;
    case 3:
      header.member = valid(reader.ascii(), isMemberName, "member");
      break;
    case 4:
      header.errorName = valid(reader.ascii(), isInterfaceName, "error name");
      break;
    case 5:
      header.replySerial = reader.uint32();
      if (header.replySerial === 0) throw new MalformedMessage("a reply to serial 0");
      break;
    case 6:
      header.destination = valid(reader.ascii(), isBusName, "destination");
      break;
    case 7:
      header.sender = valid(reader.ascii(), isBusName, "sender");
      break;
    case 8:
      header.signature = reader.signature();
      checkSignature(header.signature);
      break;
    default:
      header.unixFds = reader.uint32();
  }
}

function valid(text: string, check: (text: string) => boolean, what: string): string {
  if (!check(text)) throw new MalformedMessage(`an invalid ${what}`);
  return text;
}

/**
 * True for a message that is no reply by type but has a reply serial. The specification does not
 * forbid it, and libdbus takes it for the reply, since it looks at the serial alone.
 */
export function isReplyInDisguise({ type, replySerial }: MessageHeader): boolean {
  return replySerial !== 0 && type !== METHOD_RETURN && type !== ERROR;
}

/** Check the fields that each type must and must not have (specification, "Header Fields"). */
function checkFields(header: MessageHeader): void {
  const { type } = header;
  const complete =
    type === METHOD_CALL
      ? header.path !== "" && header.member !== ""
      : type === SIGNAL
        ? header.path !== "" && header.interface !== "" && header.member !== ""
        : type === METHOD_RETURN
          ? header.replySerial !== 0
          : type !== ERROR || (header.replySerial !== 0 && header.errorName !== "");
  if (!complete) throw new MalformedMessage(`a message of type ${type} without a required field`);
  if (header.path === LOCAL_PATH || header.interface === LOCAL_INTERFACE) {
    throw new MalformedMessage("a message that only a library sends, to itself");
  }
}

const LOCAL_PATH = "/org/freedesktop/DBus/Local";
const LOCAL_INTERFACE = "org.freedesktop.DBus.Local";
