import fc from "fast-check";
import { expect, test } from "vitest";
import { PROPERTY_RUNS } from "../formats/property-runs.fixture.ts";
import { WriteBatch, arena, batchWrites } from "./write-batch.ts";

/** A stream that keeps the bytes of each send. */
class Sink {
  readonly batch = new WriteBatch((from, to) => {
    this.#sent.push(Buffer.from(arena.bytes.subarray(from, to)));
  });
  readonly #sent: Buffer[] = [];

  write(bytes: Buffer): void {
    if (!this.batch.add(bytes)) this.#sent.push(bytes);
  }

  writeText(text: string): void {
    if (!this.batch.addText(text)) this.#sent.push(Buffer.from(text, "latin1"));
  }

  get sends(): number {
    return this.#sent.length;
  }

  get received(): string {
    return Buffer.concat(this.#sent).toString("latin1");
  }
}

test("bytes written during the work are sent at its end, in one piece for each stream", () => {
  const [a, b] = [new Sink(), new Sink()];
  batchWrites(() => {
    a.writeText("one ");
    batchWrites(() => a.write(Buffer.from("two")));
    b.writeText("three");
    expect(a.sends + b.sends).toBe(0);
  });
  expect([a.received, a.sends]).toEqual(["one two", 1]);
  expect([b.received, b.sends]).toEqual(["three", 1]);
});

test("outside, and beyond a size, bytes are sent by themselves, behind what was gathered", () => {
  const sink = new Sink();
  sink.writeText("now ");
  expect(sink.sends).toBe(1);
  batchWrites(() => {
    sink.writeText("small ");
    sink.write(Buffer.alloc(16 * 1024 + 1, "x"));
    expect(sink.sends).toBe(3);
  });
  expect(sink.received).toBe(`now small ${"x".repeat(16 * 1024 + 1)}`);
});

test("bytes written before the work fails are sent all the same", () => {
  const sink = new Sink();
  const fails = () => {
    sink.writeText("before");
    throw new Error("in the middle");
  };
  expect(() => batchWrites(fails)).toThrow("in the middle");
  expect(sink.received).toBe("before");
});

test("each stream gets its own bytes in its own order, whatever is written and sent", () => {
  const step = fc.record({
    stream: fc.nat(2),
    size: fc.oneof(fc.nat(40), fc.constantFrom(16 * 1024, 16 * 1024 + 1)),
    how: fc.constantFrom("bytes", "text", "send"),
  });
  const turns = fc.array(fc.array(step, { maxLength: 16 }), { maxLength: 3 });
  fc.assert(
    fc.property(turns, (all) => {
      const sinks = [new Sink(), new Sink(), new Sink()];
      const written = ["", "", ""];
      let letter = 0;
      for (const turn of all) {
        batchWrites(() => {
          for (const { stream, size, how } of turn) {
            const text = String.fromCharCode(97 + (letter++ % 26)).repeat(size);
            const sink = sinks[stream];
            if (how === "send") sink?.batch.send();
            else if (how === "bytes") sink?.write(Buffer.from(text));
            else sink?.writeText(text);
            if (how !== "send") written[stream] = `${written[stream] ?? ""}${text}`;
          }
        });
      }
      return sinks.every(({ received }, stream) => received === written[stream]);
    }),
    { numRuns: PROPERTY_RUNS },
  );
});
