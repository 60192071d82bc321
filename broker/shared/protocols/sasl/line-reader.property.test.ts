import fc from "fast-check";
import { expect, it } from "vitest";
import { PROPERTY_RUNS } from "../../formats/property-runs.fixture.ts";
import { saslAuthReply } from "./client.ts";
import { MAX_LINE_BYTES, SaslLineReader } from "./line-reader.ts";

const piece = fc.constantFrom(
  "a",
  "\r",
  "\n",
  "\r\n",
  "\0",
  "\xff",
  "x".repeat(MAX_LINE_BYTES - 3),
);

/** The lines of a whole connection, up to a violation. */
function linesOf(pieces: readonly Buffer[], nul: boolean): { lines: string[]; rest: string } {
  const reader = new SaslLineReader({ nul });
  const lines: string[] = [];
  let isOver = false;
  for (const bytes of pieces) {
    reader.push(bytes);
    while (!isOver) {
      const input = reader.next();
      if (input === undefined) break;
      isOver = input.type === "violation";
      lines.push(input.type === "line" ? input.text : `! ${input.reason}`);
    }
  }
  return { lines, rest: isOver ? "" : reader.rest.toString("latin1") };
}

it("lines are what is between CRLFs, however the bytes are cut", () => {
  fc.assert(
    fc.property(
      fc.array(piece, { maxLength: 8 }),
      fc.array(fc.nat(), { maxLength: 4 }),
      fc.boolean(),
      (pieces, cuts, nul) => {
        const wire = Buffer.from((nul ? "\0" : "") + pieces.join(""), "latin1");
        const points = cuts.map((cut) => cut % (wire.length + 1)).sort((a, b) => a - b);
        const parts = [0, ...points].map((from, index) => wire.subarray(from, points[index]));
        const { lines, rest } = linesOf(parts, nul);
        const expected = pieces.join("").split("\r\n");
        const tooLong = expected.findIndex((line, index) => {
          const isLast = index === expected.length - 1;
          return isLast ? line.length >= MAX_LINE_BYTES : line.length > MAX_LINE_BYTES - 2;
        });
        if (tooLong === -1) {
          expect(lines).toEqual(expected.slice(0, -1));
          expect(rest).toBe(expected.at(-1));
        } else {
          expect(lines.slice(0, -1)).toEqual(expected.slice(0, tooLong));
          expect(lines.at(-1)).toMatch(/^! a line of more than/);
        }
      },
    ),
    { numRuns: PROPERTY_RUNS },
  );
});

it("a provider is believed for OK with a guid, and for nothing else", () => {
  const guid = fc.stringMatching(/^[0-9a-fA-F]{30,34}$/);
  const word = fc.constantFrom("OK", " ", "REJECTED", "0123456789abcdef", "g", "\n");
  const line = fc.oneof(
    fc.array(word, { maxLength: 5 }).map((words) => words.join("")),
    fc
      .tuple(fc.constantFrom("OK ", "OK", "ok "), guid, fc.constantFrom("", "", "g", " "))
      .map((words) => words.join("")),
  );
  fc.assert(
    fc.property(line, (line) => {
      const answer = saslAuthReply(line);
      const isGood =
        line.length === 35 && line.startsWith("OK ") && !/[^0-9a-f]/i.test(line.slice(3));
      expect(answer.type === "accepted" ? answer.guid : undefined).toBe(
        isGood ? line.slice(3) : undefined,
      );
    }),
    { numRuns: PROPERTY_RUNS },
  );
});
