/** Parts of a message to write; a text that is absent or "" leaves its field out. */
export interface MessageParts {
  readonly type: number;
  readonly flags?: number;
  readonly serial: number;
  readonly path?: string;
  readonly interface?: string;
  readonly member?: string;
  readonly errorName?: string;
  readonly replySerial?: number;
  readonly destination?: string;
  readonly sender?: string;
  readonly body?: MessageBody;
}

export interface MessageBody {
  readonly signature: string;
  readonly bytes: Buffer;
}

/** A message in little-endian order, made from valid parts. */
export function writeMessage(parts: MessageParts): Buffer {
  const { body = noBody } = parts;
  const texts = [
    [1, "o", parts.path],
    [2, "s", parts.interface],
    [3, "s", parts.member],
    [4, "s", parts.errorName],
    [6, "s", parts.destination],
    [7, "s", parts.sender],
  ] as const;
  const fields = new WireWriter();
  for (const [code, type, text] of texts) {
    if (text === undefined || text === "") continue;
    fields.align(8);
    fields.bytes(Buffer.from([code, 1, type.charCodeAt(0), 0]));
    fields.string(text);
  }
  if (parts.replySerial !== undefined) {
    fields.align(8);
    fields.bytes(Buffer.from([5, 1, "u".charCodeAt(0), 0]));
    fields.uint32(parts.replySerial);
  }
  if (body.signature !== "") {
    fields.align(8);
    fields.bytes(Buffer.from([8, 1, "g".charCodeAt(0), 0, body.signature.length]));
    fields.bytes(Buffer.from(`${body.signature}\0`, "latin1"));
  }
  const message = new WireWriter();
  message.bytes(Buffer.from(["l".charCodeAt(0), parts.type, parts.flags ?? 0, 1]));
  message.uint32(body.bytes.length);
  message.uint32(parts.serial);
  message.uint32(fields.length);
  message.bytes(fields.take());
  message.align(8);
  message.bytes(body.bytes);
  return message.take();
}

export function strings(...values: readonly string[]): MessageBody {
  const writer = new WireWriter();
  for (const value of values) writer.string(value);
  return { signature: "s".repeat(values.length), bytes: writer.take() };
}

export function stringArray(values: readonly string[]): MessageBody {
  const items = new WireWriter();
  for (const value of values) items.string(value);
  const writer = new WireWriter();
  writer.uint32(items.length);
  writer.bytes(items.take());
  return { signature: "as", bytes: writer.take() };
}

export function boolean(value: boolean): MessageBody {
  const writer = new WireWriter();
  writer.uint32(value ? 1 : 0);
  return { signature: "b", bytes: writer.take() };
}

const noBody: MessageBody = { signature: "", bytes: Buffer.alloc(0) };

/** Writes values one after the other, each at its alignment. */
class WireWriter {
  readonly #pieces: Buffer[] = [];
  length = 0;

  align(size: number): void {
    const padding = -this.length & (size - 1);
    if (padding > 0) this.bytes(Buffer.alloc(padding));
  }

  bytes(bytes: Buffer): void {
    this.#pieces.push(bytes);
    this.length += bytes.length;
  }

  uint32(value: number): void {
    this.align(4);
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(value);
    this.bytes(bytes);
  }

  string(value: string): void {
    const bytes = Buffer.from(`${value}\0`, "utf8");
    this.uint32(bytes.length - 1);
    this.bytes(bytes);
  }

  take(): Buffer {
    return Buffer.concat(this.#pieces);
  }
}
