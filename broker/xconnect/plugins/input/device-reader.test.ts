import { expect, test } from "vitest";
import { EventFilter } from "../../../shared/protocols/input/event-filter.ts";
import { limitedTo } from "./device-reader.ts";

test("a consumer's device declares only what passes, and its axes without fuzz", () => {
  const info = Buffer.from(Int32Array.of(5, 0, 1_000, 7, 2, 3).buffer);
  const description = {
    ...{ id: Buffer.alloc(8), name: "Panel", properties: [1] },
    codes: new Map([
      [1, [30, 48, 0x14a]],
      [2, [0, 1]],
      [3, [0, 0x2f, 0x35, 0x36, 0x39, 0x3a]],
    ]),
    axes: new Map([0, 0x2f, 0x35, 0x36, 0x39, 0x3a].map((axis) => [axis, info])),
  };
  const filter = new EventFilter([
    [
      { type: "EV_KEY", codes: [30] },
      { type: "EV_ABS", codes: [0x35] },
    ],
  ]);
  const limited = limitedTo(filter, description);
  expect(limited.codes).toEqual(
    new Map([
      [1, [30, 0x14a]],
      [3, [0x2f, 0x35, 0x36, 0x39]],
    ]),
  );
  expect([...limited.axes.keys()]).toEqual([0x2f, 0x35, 0x36, 0x39]);
  const exact = Buffer.from(Int32Array.of(5, 0, 1_000, 0, 2, 3).buffer);
  expect(limited.axes.get(0x35)).toEqual(exact);
  expect(info.readInt32LE(12)).toBe(7);
});
