import { Readable } from "node:stream";
import type { IncomingMessage } from "node:http";
import fc from "fast-check";
import { expect, it } from "vitest";
import { PROPERTY_RUNS } from "../../shared/formats/property-runs.fixture.ts";
import { readBody } from "./read-body.ts";

const MIB = 1024 * 1024;

function arriving(chunks: readonly Uint8Array[], length?: number): IncomingMessage {
  const headers = length === undefined ? {} : { "content-length": String(length) };
  const stream = Readable.from(chunks.map((chunk) => Buffer.from(chunk)));
  return Object.assign(stream, { headers }) as unknown as IncomingMessage;
}

it("a body is what was sent, however it arrives, or it is larger than allowed", async () => {
  const sent = fc.array(fc.uint8Array({ maxLength: 12 }), { maxLength: 6 });
  await fc.assert(
    fc.asyncProperty(sent, fc.integer({ min: 0, max: 40 }), async (chunks, limit) => {
      const whole = Buffer.concat(chunks);
      const read = await readBody(arriving(chunks), limit, () => undefined);
      if (whole.length <= limit) expect(read).toEqual({ text: whole.toString("utf8") });
      else expect(read).toMatchObject({ refusal: { status: 413 } });
    }),
    { numRuns: PROPERTY_RUNS },
  );
});

it("reads no more than 1 MiB of what it refuses", async () => {
  const request = arriving(Array.from({ length: 64 }, () => new Uint8Array(64 * 1024)));
  expect(await readBody(request, 10, () => undefined)).toMatchObject({ refusal: { status: 413 } });
  const rest: Buffer[] = [];
  for await (const chunk of request) rest.push(chunk as Buffer);
  expect(Buffer.concat(rest).length).toBeGreaterThan(2 * MIB);
});

it("does not ask for a body that is announced as far too large", async () => {
  const welcome = () => expect.unreachable();
  const read = await readBody(arriving([], 10 + MIB + 1), 10, welcome);
  expect(read).toMatchObject({ refusal: { status: 413 } });
});
