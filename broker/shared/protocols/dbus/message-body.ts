import { MalformedMessage } from "./malformed-message.ts";
import type { MessageHeader } from "./message-header.ts";
import { WireReader } from "./wire-reader.ts";

/**
 * The leading string arguments of a message that has arrived completely.
 * @param start offset of the message in `bytes`
 * @returns undefined unless the first `count` arguments are strings
 * @throws MalformedMessage when the body does not match its signature
 */
export function stringArguments(
  header: MessageHeader,
  bytes: Buffer,
  start: number,
  count: number,
): string[] | undefined {
  const { signature } = header;
  for (let index = 0; index < count; index += 1) if (signature[index] !== "s") return undefined;
  const reader = bodyReader(header, bytes, start);
  const strings: string[] = [];
  while (strings.length < count) strings.push(reader.string());
  return strings;
}

/** The only argument of a message that has arrived completely, when it is an array of strings. */
export function stringArrayArgument(
  header: MessageHeader,
  bytes: Buffer,
  start: number,
): string[] | undefined {
  if (header.signature !== "as") return undefined;
  const reader = bodyReader(header, bytes, start);
  const length = reader.uint32();
  if (length !== reader.end - reader.position) {
    throw new MalformedMessage("an array that is not the body");
  }
  const strings: string[] = [];
  while (reader.position < reader.end) strings.push(reader.string());
  return strings;
}

function bodyReader(header: MessageHeader, bytes: Buffer, start: number): WireReader {
  const { littleEndian, headerLength, size } = header;
  return new WireReader(bytes, start, littleEndian, headerLength, size);
}
