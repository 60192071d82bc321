/**
 * A message as bytes.
 * @param values words, strings (null is a null string), and Buffers for arrays; fds have no bytes
 */
export function encodeMessage(
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
  const bytes = typeof value === "string" ? Buffer.from(`${value}\0`, "utf8") : value;
  const padding = Buffer.alloc((4 - (bytes.length % 4)) % 4);
  return Buffer.concat([word(bytes.length), bytes, padding]);
}

function word(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value >>> 0);
  return bytes;
}
