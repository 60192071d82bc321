import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { PROPERTY_RUNS } from "../../shared/formats/property-runs.fixture.ts";
import { GUESTS } from "../guest-process.fixture.ts";
import { declaredPages } from "./declared-pages.ts";

const MAGIC = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];

function leb(value: number): number[] {
  const bytes: number[] = [];
  do {
    const rest = Math.floor(value / 128);
    bytes.push((value % 128) + (rest > 0 ? 128 : 0));
    value = rest;
  } while (value > 0);
  return bytes;
}

test("the memory of a module that asks for too much is seen", () => {
  expect(declaredPages(readFileSync(join(GUESTS, "huge-memory.wasm")))).toBeGreaterThan(100);
});

test("the largest of all memories counts, behind any other sections", () => {
  const pages = fc.integer({ min: 0, max: 2 ** 32 - 1 });
  fc.assert(
    fc.property(fc.array(pages, { minLength: 1 }), fc.uint8Array(), (memories, custom) => {
      const body = memories.flatMap((minimum, at) =>
        at % 2 === 0 ? [0, ...leb(minimum)] : [1, ...leb(minimum), ...leb(2 ** 32 - 1)],
      );
      const section = [...leb(memories.length), ...body];
      const module = Buffer.from([
        ...MAGIC,
        ...[0, ...leb(custom.length), ...custom],
        ...[5, ...leb(section.length), ...section],
      ]);
      expect(declaredPages(module)).toBe(Math.max(...memories));
    }),
    { numRuns: PROPERTY_RUNS },
  );
});

test("no bytes make it throw or run for ever", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      expect(declaredPages(Buffer.from([...MAGIC, ...bytes]))).toBeGreaterThanOrEqual(0);
    }),
    { numRuns: PROPERTY_RUNS },
  );
});
