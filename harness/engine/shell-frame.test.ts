import fc from "fast-check";
import { expect, test } from "vitest";
import { MarkerReader } from "./shell-frame.ts";

const nonce = "0123456789abcdef0123456789abcdef";

test("any output comes out unchanged with its status, wherever the stream is cut", () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 200 }),
      fc.integer({ min: 0, max: 255 }),
      fc.array(fc.integer({ min: 1, max: 50 })),
      (output, status, cuts) => {
        const reader = new MarkerReader(nonce, true);
        let wire = Buffer.concat([output, Buffer.from(`${nonce}${status};`)]);
        for (const cut of [...cuts, wire.length]) {
          expect(reader.done).toBe(wire.length === 0);
          if (wire.length === 0) break;
          reader.push(wire.subarray(0, cut));
          wire = wire.subarray(cut);
        }
        expect(reader.output).toEqual(Buffer.from(output));
        expect(reader.status).toBe(status);
      },
    ),
  );
});

test("output that holds parts of the marker is output", () => {
  const reader = new MarkerReader(nonce, true);
  reader.push(Buffer.from(nonce.slice(0, 31)));
  reader.push(Buffer.from(`x${nonce}`));
  expect(reader.done).toBe(false);
  reader.push(Buffer.from("12"));
  reader.push(Buffer.from("7;"));
  expect(reader.output.toString()).toBe(`${nonce.slice(0, 31)}x`);
  expect(reader.status).toBe(127);
});

test("what has come so far can be looked at before the marker", () => {
  const reader = new MarkerReader(nonce, false);
  reader.push(Buffer.from("half"));
  expect(reader.output.toString()).toBe("half");
});
