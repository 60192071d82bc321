import { globSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { expect, test } from "vitest";

const ROOT = resolve(import.meta.dirname, "../..");
const read = (file: string): string => readFileSync(resolve(ROOT, file), "utf8");

/** Numbers of the headings of docs/pantavisor.md: `4`, `4.2`. */
const headings = new Set(
  [...read("docs/pantavisor.md").matchAll(/^##+ (\d+(?:\.\d+)?) \S/gm)].map(([, number]) => number),
);

/** The sections that a text cites: `docs/pantavisor.md §1.3, §1.4 and §2.1` are three. */
function cited(text: string): string[] {
  const flowing = text.replace(/\s+(?:\*|\/\/)?\s*/g, " ");
  const lists = flowing.matchAll(/docs\/pantavisor\.md((?:(?:,| and)? §\d+(?:\.\d+)*)+)/g);
  return [...lists].flatMap(([, list = ""]) => list.match(/\d+(?:\.\d+)*/g) ?? []);
}

test("each section of docs/pantavisor.md that the tree cites is there", () => {
  const files = globSync("{broker,containers,docs,fixtures,harness,reports,scenarios}/**/*", {
    cwd: ROOT,
    exclude: (path) => /\bnode_modules$/.test(path),
  }).filter((file) => /\.(?:ts|md|json|sh|py)$/.test(file));
  const citations = files.flatMap((file) =>
    cited(read(file)).map((section) => ({ file, section })),
  );
  expect(citations.length).toBeGreaterThan(50);
  expect(citations.filter(({ section }) => !headings.has(section))).toEqual([]);
});

test("a list of sections is read to its end, over line breaks of a comment", () => {
  expect(cited("/** A thing (docs/pantavisor.md §1.3, §2.1\n * and §4). */")).toEqual([
    "1.3",
    "2.1",
    "4",
  ]);
});
