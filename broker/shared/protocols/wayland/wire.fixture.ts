/**
 * For tests: a message as bytes. Numbers are words, null is a null string, a Buffer an array.
 */
export function wire(
  object: number,
  opcode: number,
  ...values: readonly (number | string | null | Buffer)[]
): Buffer {
  const body = Buffer.concat(values.map(encoded));
  const head = Buffer.alloc(8);
  head.writeUInt32LE(object, 0);
  head.writeUInt32LE((((body.length + 8) << 16) | opcode) >>> 0, 4);
  return Buffer.concat([head, body]);
}

function encoded(value: number | string | null | Buffer): Buffer {
  if (typeof value === "number") return word(value);
  if (value === null) return word(0);
  const bytes = typeof value === "string" ? Buffer.from(`${value}\0`, "latin1") : value;
  const padding = Buffer.alloc((4 - (bytes.length % 4)) % 4);
  return Buffer.concat([word(bytes.length), bytes, padding]);
}

function word(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value >>> 0);
  return bytes;
}
