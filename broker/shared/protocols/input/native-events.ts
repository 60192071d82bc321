import { EVENT_SIZE } from "./input-event.ts";

/** Size of `struct input_event` in a 32-bit program: seconds and microseconds are 32 bits each. */
export const SMALL_EVENT_SIZE = 16;

/**
 * Events as a 32-bit program reads them from a node, in the form of links (input-event.ts).
 * @param native whole events
 */
export function fromSmallEvents(native: Buffer): Buffer {
  const count = native.length / SMALL_EVENT_SIZE;
  const events = Buffer.alloc(count * EVENT_SIZE);
  for (let index = 0; index < count; index += 1) {
    const [from, to] = [index * SMALL_EVENT_SIZE, index * EVENT_SIZE];
    events.writeBigInt64LE(BigInt(native.readUInt32LE(from)), to);
    events.writeBigInt64LE(BigInt(native.readUInt32LE(from + 4)), to + 8);
    native.copy(events, to + 16, from + 8, from + SMALL_EVENT_SIZE);
  }
  return events;
}

/** The opposite: what a 32-bit program writes to a device; times are left out. */
export function toSmallEvents(events: Buffer): Buffer {
  const count = events.length / EVENT_SIZE;
  const native = Buffer.alloc(count * SMALL_EVENT_SIZE);
  for (let index = 0; index < count; index += 1) {
    const from = index * EVENT_SIZE;
    events.copy(native, index * SMALL_EVENT_SIZE + 8, from + 16, from + EVENT_SIZE);
  }
  return native;
}
