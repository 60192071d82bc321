import { Readable } from "node:stream";
import fc from "fast-check";
import { expect, test } from "vitest";
import { BoundedBytes, readBounded } from "./bounded.ts";

test("what fits is kept byte for byte, and what does not is counted", () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 30 })),
      fc.integer({ min: 0, max: 100 }),
      (chunks, limit) => {
        const bounded = new BoundedBytes(limit);
        for (const chunk of chunks) bounded.push(chunk);
        const all = Buffer.concat(chunks);
        expect(bounded.bytes()).toEqual(all.subarray(0, limit));
        expect(bounded.cut).toBe(Math.max(0, all.length - limit));
      },
    ),
    { numRuns: Number(process.env["PVH_PROPERTY_RUNS"] ?? 10_000) },
  );
});

test("a stream without end is left at the limit", async () => {
  let given = 0;
  const endless = new Readable({
    read() {
      given += 65_536;
      this.push(Buffer.alloc(65_536, "y"));
    },
  });
  await expect(readBounded(endless, "the answer", 1 << 20)).rejects.toMatchObject({
    code: "PVH_TOO_MUCH",
    message: expect.stringMatching(/^the answer: more than 1024 KiB; it begins: y{100}$/) as string,
  });
  expect(endless.destroyed).toBe(true);
  expect(given).toBeLessThan(2 << 20);
});
