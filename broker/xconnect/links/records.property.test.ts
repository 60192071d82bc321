import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { GraphEntry } from "../../shared/formats/graph.ts";
import { PROPERTY_RUNS } from "../../shared/formats/property-runs.fixture.ts";
import { none } from "../../shared/quirks/quirks.ts";
import { entryProblem } from "./link-rules.ts";
import { journalLine, parseJournal } from "../peers/planted-journal.ts";
import type { PlantedEntry } from "../peers/planted-journal.ts";
import { SessionBudget } from "../planes/session-budget.ts";

it("a graph entry may become a link when its names are safe and its paths plain", () => {
  const name = fc.constantFrom("a", "A_b.c-1", "", "a/b", "a b", "a\n", "x".repeat(65));
  const piece = fc.constantFrom("/", "a", ".", "..", "\n", "\x7f", "...", "é");
  const path = fc.array(piece, { maxLength: 5 }).map((pieces) => pieces.join(""));
  const good = fc.constantFrom("/run/a.sock");
  const entry = fc
    .record({
      consumer: fc.oneof(fc.constant("c"), name),
      name: fc.oneof(fc.constant("n"), name),
      role: fc.oneof(fc.constant("r"), name),
      target: fc.oneof(good, path, fc.constant(null)),
      socket: fc.oneof(good, path),
    })
    .map((rest): GraphEntry => ({
      ...{ provider: "p", consumer_pid: 1, provider_pid: 1, type: "unix", interface: null },
      ...rest,
    }));
  const isSafe = (text: string) => text.length > 0 && text.length < 65 && !/[^\w.-]/.test(text);
  const isPlain = (text: string) => {
    const parts = text.split("/");
    const last = parts.at(-1);
    const names = parts.every((part) => part !== ".." && !/[\n\x7f]/.test(part));
    return text.startsWith("/") && names && last !== "" && last !== ".";
  };
  fc.assert(
    fc.property(entry, (one) => {
      const problem = entryProblem(one);
      const isGood =
        [one.consumer, one.name, one.role].every(isSafe) &&
        one.target !== null &&
        isPlain(one.target) &&
        isPlain(one.socket);
      expect(problem === undefined).toBe(isGood);
      expect(problem ?? "").not.toContain("\n");
    }),
    { numRuns: PROPERTY_RUNS },
  );
});

describe("the journal of what is planted", () => {
  const inode = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });
  const entry: fc.Arbitrary<PlantedEntry> = fc.record({
    consumer: fc.record({ pid: fc.nat(), start: fc.nat() }),
    target: fc.string({ unit: "grapheme", maxLength: 12 }).map((text) => `/${text}`),
    planted: fc.record({ dev: inode, ino: inode, birthtimeNs: inode }),
  });

  it("gives back what was written, however late in a line the kill came, and goes on from there", () => {
    const entries = fc.array(entry, { maxLength: 4 });
    fc.assert(
      fc.property(entries, fc.nat(), (list, cut) => {
        const text = list.map(journalLine).join("");
        expect(parseJournal(text)).toEqual(list);
        const kept = text.slice(0, cut % (text.length + 1));
        // A line that lacks only its line end still counts.
        const whole = `${kept}\n`.split("\n").filter((line) => line.endsWith("}")).length;
        expect(parseJournal(kept)).toEqual(list.slice(0, whole));
      }),
      { numRuns: PROPERTY_RUNS },
    );
  });

  it("of any bytes is read without failing", () => {
    const piece = fc.constantFrom(
      ...[
        '{"pid":1,"start":2,"target":"/t","dev":"3","ino":"4","born":"5"}',
        "\n",
        "{",
        "}",
        '"dev":"x"',
        "\0",
      ],
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 6 }), (pieces) => {
        const text = pieces.join("");
        const sound = text
          .split("\n")
          .filter((line) => line.startsWith('{"pid":1') && isJson(line));
        expect(parseJournal(text)).toHaveLength(sound.length);
      }),
      { numRuns: PROPERTY_RUNS },
    );
  });
});

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

it("however many sessions some links open, another finds room, and ended ones are free again", () => {
  const step = fc.record({ link: fc.nat(3), opens: fc.boolean() });
  fc.assert(
    fc.property(
      fc.integer({ min: 65, max: 120 }),
      fc.array(step, { maxLength: 80 }),
      (limit, steps) => {
        const open = [0, 0, 0, 0];
        const all = () => open.reduce((sum, count) => sum + count, 0);
        const budget = new SessionBudget({ limit, open: all }, none);
        // Links 0 and 1 belong to one consumer, 2 and 3 to another.
        const of = (link: number) => (open[link & 2] ?? 0) + (open[(link & 2) + 1] ?? 0);
        const may = (link: number) =>
          budget.allows("unix", { link: open[link] ?? 0, consumer: of(link) });
        for (const { link, opens } of steps) {
          if (opens && may(link)) open[link] = (open[link] ?? 0) + 1;
          if (!opens && (open[link] ?? 0) > 0) open[link] = (open[link] ?? 0) - 1;
          if (all() > limit - 64) expect.unreachable(`${all()} sessions of ${limit} descriptors`);
        }
        // One link alone takes at most half of the free descriptors.
        const freeBefore = limit - 64 - all();
        const openBefore = open[0] ?? 0;
        while (may(0)) open[0] = (open[0] ?? 0) + 1;
        const free = limit - 64 - all();
        if (freeBefore > 1) expect(free).toBeGreaterThan(0);
        const opened = open[0] ?? 0;
        if (opened > openBefore) expect(opened - 1).toBeLessThan((free + 1) / 2);
        if (open[3] === 0 && open[2] === 0 && free > 0) expect(may(3)).toBe(true);
        open.fill(0);
        budget.promise(5);
        expect(may(0)).toBe(limit - 64 - 5 > 0);
        budget.promise(-5);
        expect(may(0)).toBe(true);
      },
    ),
    { numRuns: PROPERTY_RUNS },
  );
});
