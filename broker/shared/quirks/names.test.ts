import { globSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { expect, it } from "vitest";
import { QUIRKS } from "./names.ts";

const ROOT = join(import.meta.dirname, "../../..");
const sources = [
  "broker/**/*.ts",
  "harness/**/*.ts",
  "reports/**/*.ts",
  "containers/appengine/overlay/**/bin/*",
]
  .flatMap((pattern) => globSync(pattern, { cwd: ROOT }))
  .filter((name) => !/\.(test|fixture)\.ts$|^broker\/shared\/quirks\//.test(name));
const texts = new Map(sources.map((name) => [name, readFileSync(join(ROOT, name), "utf8")]));
const isDeviation = (name: string) => name.endsWith(".quirk.ts");

/** Quirks that deviate wherever an EOF is passed on; a service type narrows them. */
const AT_EACH_EOF: readonly string[] = ["early-close", "no-half-close"];

/** Quirks that a file asks for: by a call, by a row of a table of deviations, or in a shell. */
function askedIn(name: string, text: string): Set<string> {
  if (!name.endsWith(".ts"))
    return new Set(Object.keys(QUIRKS).filter((one) => text.includes(one)));
  const calls = [...text.matchAll(/(?:has|includes)\(\s*"([a-z0-9-]+)"/g)];
  const rows = isDeviation(name) ? [...text.matchAll(/^ *"([a-z0-9-]+)": /gm)] : [];
  return new Set([...calls, ...rows].map(([, quirk = ""]) => quirk));
}

it("each quirk is asked for in exactly one file", () => {
  const asked = [...texts].flatMap(([name, text]) => [...askedIn(name, text)]);
  const timesOf = (quirk: string) => asked.filter((one) => one === quirk).length;
  const never = Object.keys(QUIRKS).filter((quirk) => timesOf(quirk) === 0);
  const often = Object.keys(QUIRKS).filter((quirk) => timesOf(quirk) > 1);
  expect({ never, often: often.toSorted() }).toEqual({ never: [], often: AT_EACH_EOF });
});

it("each file of deviations is imported by another", () => {
  const all = [...texts];
  const isImported = (file: string) =>
    all.some(([name, text]) => name !== file && text.includes(`/${basename(file)}"`));
  expect(sources.filter((name) => isDeviation(name) && !isImported(name))).toEqual([]);
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
