import { Readable } from "node:stream";
import fc from "fast-check";
import { expect, test } from "vitest";
import { readLines } from "./read-lines.ts";

async function linesOf(chunks: readonly Uint8Array[], longest?: number): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of readLines(Readable.from(chunks), longest)) lines.push(line);
  return lines;
}

test("however a text is cut, its lines are the same", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.string({ unit: "binary" }).map((text) => text.replaceAll(/[\n\r]/g, "."))),
      fc.array(fc.nat({ max: 40 })),
      async (lines, cuts) => {
        const text = Buffer.from(lines.map((line) => `${line}\n`).join(""));
        const chunks: Buffer[] = [];
        let at = 0;
        for (const cut of cuts) {
          chunks.push(text.subarray(at, at + cut));
          at += cut;
        }
        chunks.push(text.subarray(at));
        const whole = text.toString("utf8").split("\n").slice(0, -1);
        expect(await linesOf(chunks.filter(({ length }) => length > 0))).toEqual(whole);
      },
    ),
    { numRuns: Math.round(Number(process.env["PVH_PROPERTY_RUNS"] ?? 10_000) / 10) },
  );
});

test("the last line needs no end, and a CR before LF is not its", async () => {
  expect(await linesOf([Buffer.from("a\r\nb")])).toEqual(["a", "b"]);
  expect(await linesOf([])).toEqual([]);
});

test("a line of 100 MB costs its limit and no more", async () => {
  const chunk = Buffer.alloc(1 << 20, "x");
  const before = process.memoryUsage().heapUsed;
  let most = 0;
  function* hundred(): Generator<Buffer> {
    for (let n = 0; n < 100; n += 1) {
      most = Math.max(most, process.memoryUsage().heapUsed);
      yield chunk;
    }
    yield Buffer.from("\nnext\n");
  }
  const lines: string[] = [];
  for await (const line of readLines(hundredOf(hundred()))) lines.push(line);
  expect(lines.map((line) => line.slice(-30))).toEqual([
    expect.stringMatching(/x… \(103809024 more characters\)$/),
    "next",
  ]);
  expect(most - before).toBeLessThan(80 * (1 << 20));
});

async function* hundredOf(chunks: Iterable<Buffer>): AsyncGenerator<Buffer> {
  for (const chunk of chunks) {
    await Promise.resolve();
    yield chunk;
  }
}
