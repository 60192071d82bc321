import fc from "fast-check";
import { expect, test } from "vitest";
import type { StreamNumber } from "./demux.ts";
import { Demultiplexer } from "./demux.ts";

function multiplexed(stream: StreamNumber, payload: Uint8Array): Buffer {
  const header = Buffer.from([stream, 0, 0, 0, 0, 0, 0, 0]);
  header.writeUInt32BE(payload.length, 4);
  return Buffer.concat([header, payload]);
}

const frames = fc.array(
  fc.record({ stream: fc.constantFrom<StreamNumber>(1, 2), payload: fc.uint8Array() }),
);

test("both streams come out whole, wherever the transport cuts", () => {
  fc.assert(
    fc.property(frames, fc.array(fc.integer({ min: 1, max: 20 })), (sent, cuts) => {
      const got: Record<StreamNumber, Buffer[]> = { 1: [], 2: [] };
      const demultiplexer = new Demultiplexer((stream, payload) => got[stream].push(payload));
      let wire = Buffer.concat(sent.map(({ stream, payload }) => multiplexed(stream, payload)));
      for (const cut of [...cuts, wire.length]) {
        demultiplexer.push(wire.subarray(0, cut));
        wire = wire.subarray(cut);
      }
      for (const stream of [1, 2] as const) {
        const expected = sent.filter((frame) => frame.stream === stream);
        expect(Buffer.concat(got[stream])).toEqual(
          Buffer.concat(expected.map(({ payload }) => payload)),
        );
      }
    }),
  );
});
