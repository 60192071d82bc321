import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { QUIRKS } from "./names.ts";

const ROOT = join(import.meta.dirname, "../../..");
const sources = ["broker/**/*.ts", "harness/**/*.ts", "containers/appengine/overlay/**/bin/*"]
  .flatMap((pattern) => globSync(pattern, { cwd: ROOT }))
  .filter((name) => !/\.(test|fixture)\.ts$|^broker\/shared\/quirks\//.test(name));
const texts = new Map(sources.map((name) => [name, readFileSync(join(ROOT, name), "utf8")]));
const isDeviation = (name: string) => name.endsWith(".quirk.ts");

/** Quirks that deviate wherever an EOF is passed on; a service type narrows them. */
const AT_EACH_EOF: readonly string[] = ["early-close", "no-half-close"];

/** True for a call that asks for the quirk, a row of a table of deviations, or a shell's pattern. */
function asksFor(quirk: string, name: string, text: string): boolean {
  if (!name.endsWith(".ts")) return text.includes(quirk);
  const isRow = isDeviation(name) && text.includes(`"${quirk}": `);
  return isRow || new RegExp(`(has|includes)\\(\\s*"${quirk}"`).test(text);
}

const placesOf = (quirk: string) =>
  [...texts].filter(([name, text]) => asksFor(quirk, name, text)).map(([name]) => name);

it("each quirk is asked for in exactly one file", () => {
  const places = Object.keys(QUIRKS).map((quirk) => [quirk, placesOf(quirk)] as const);
  const others = places.filter(([, files]) => files.length !== 1).map(([quirk]) => quirk);
  expect(others.toSorted()).toEqual(AT_EACH_EOF);
  expect(places.filter(([, files]) => files.length === 0)).toEqual([]);
});

it("only what a quirk needs is in files of their own, which the strict path imports", () => {
  const imported = (quirk: string) =>
    [...texts].some(
      ([name, text]) => name !== quirk && text.includes(`/${quirk.split("/").at(-1) ?? ""}"`),
    );
  expect(sources.filter((name) => isDeviation(name) && !imported(name))).toEqual([]);
});

it("no code beside them says that it is there for a quirk", () => {
  const forOne = new RegExp(
    `(for|under|the) (the )?(quirks? )?\`?(${Object.keys(QUIRKS).join("|")})\\b`,
    "i",
  );
  const comments = [...texts].flatMap(([name, text]) =>
    name.startsWith("broker/") && !isDeviation(name)
      ? text.split("\n").filter((line) => /^\s*(\/?\*|\/\/)/.test(line) && forOne.test(line))
      : [],
  );
  expect(comments).toEqual([]);
});
