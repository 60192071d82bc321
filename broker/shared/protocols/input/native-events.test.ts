import { expect, test } from "vitest";
import { encodeEvents } from "./input-event.ts";
import { fromSmallEvents, toSmallEvents } from "./native-events.ts";

test("events of a 32-bit program become 24 bytes, with their times", () => {
  const native = Buffer.alloc(32);
  native.writeUInt32LE(4_000_000_000, 0);
  native.writeUInt32LE(999_999, 4);
  native.writeUInt16LE(3, 8);
  native.writeUInt16LE(0x35, 10);
  native.writeInt32LE(-7, 12);
  const time = Buffer.alloc(16);
  time.writeUInt32LE(4_000_000_000, 0);
  time.writeUInt32LE(999_999, 8);
  const first = encodeEvents([{ type: 3, code: 0x35, value: -7 }], time);
  const second = encodeEvents([{ type: 0, code: 0, value: 0 }]);
  expect(fromSmallEvents(native).equals(Buffer.concat([first, second]))).toBe(true);
  native.fill(0, 0, 8);
  expect(toSmallEvents(fromSmallEvents(native)).equals(native)).toBe(true);
});
