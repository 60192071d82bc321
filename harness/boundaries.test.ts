import { globSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { describe, expect, test } from "vitest";

/** The import rule of docs/architecture.md: who may import what. */
interface Rule {
  /** Path prefixes that the rule is for; the first rule that fits counts. */
  readonly from: readonly string[];
  /** Path prefixes in the project that may be imported from there. */
  readonly may: readonly string[];
}

const RULES: readonly Rule[] = [
  // Codecs and schemas are pure: the harness uses them too.
  { from: ["broker/formats/"], may: ["broker/formats/", "broker/quirks/"] },
  {
    from: ["broker/protocols/"],
    may: ["broker/protocols/", "broker/formats/", "broker/quirks/"],
  },
  // The one reader of exports: what pvtx reads inside is what the harness lints outside.
  {
    from: ["broker/pvrexport/"],
    may: ["broker/pvrexport/", "broker/formats/", "broker/quirks/", "broker/shared/message-of.ts"],
  },
  { from: ["broker/"], may: ["broker/"] },
  { from: ["reports/"], may: ["reports/", "reports/events.ts", "reports/exit-codes.ts"] },
  // The harness prints by the reports' folds.
  {
    from: ["harness/"],
    may: [
      "harness/",
      "reports/",
      "package.json",
      "broker/formats/",
      "broker/shared/quirks/names.ts",
      "broker/shared/quirks/compat.ts",
      "broker/protocols/",
      "broker/pvrexport/",
      // What the lint calls wrong is what the plugins refuse.
      "broker/xconnect/plugins/allowed-fds.ts",
      "broker/xconnect/plugins/dbus/rules.ts",
      "broker/xconnect/plugins/drm/nodes.ts",
      "broker/xconnect/plugins/rest/rules.ts",
      "broker/xconnect/plugins/unix/options.ts",
      "broker/xconnect/links/link-rules.ts",
    ],
  },
  { from: ["containers/"], may: ["containers/"] },
  { from: ["scenarios/"], may: ["scenarios/", "harness/", "broker/formats/"] },
];

const ROOT = resolve(import.meta.dirname, "..");
const files = globSync("{harness,broker,reports,scenarios,containers}/**/*.ts", { cwd: ROOT });
const isTest = (file: string): boolean => /\.test\.ts$|\/testdata\//.test(file);

/** What `import … from "x"`, `export … from "x"`, `import "x"` and `import("x")` name. */
function importsOf(source: string): string[] {
  const code = source.replace(/\/\*[\s\S]*?\*\//g, "").replace(/^\s*\/\/.*$/gm, "");
  const statement = /(?:^|[;\s])(?:import|export)\s(?:[^"'`;()]*?\sfrom\s)?\s*["']([^"']+)["']/g;
  const call = /\bimport\(\s*["']([^"']+)["']\s*\)/g;
  return [statement, call].flatMap((pattern) =>
    [...code.matchAll(pattern)].flatMap((match) => match[1] ?? []),
  );
}

function inProject(file: string, specifier: string): string {
  return join(dirname(file), specifier);
}

test("the parser sees every form of import, and no comment", () => {
  const source = `import a from "./a.ts";
import type { B } from './b.ts';
import {
  c,
} from "./c.ts";
export { d } from "./d.ts";
import "./e.ts";
const f = await import("./f.ts");
// import g from "./g.ts";
/* import h from "./h.ts"; */`;
  expect(importsOf(source).sort()).toEqual(["a", "b", "c", "d", "e", "f"].map((x) => `./${x}.ts`));
});

describe("every file imports only what its folder may", () => {
  test.each(RULES.map(({ from }) => from[0] ?? ""))("%s", (prefix) => {
    const wrong = files.flatMap((file) => {
      const rule = RULES.find(({ from }) => from.some((start) => file.startsWith(start)));
      if (rule === undefined || rule.from[0] !== prefix) return [];
      return importsOf(readFileSync(join(ROOT, file), "utf8"))
        .filter((specifier) => specifier.startsWith("."))
        .map((specifier) => inProject(file, specifier))
        .filter((path) => !rule.may.some((start) => path.startsWith(start)))
        .map((path) => `${file} -> ${path}`);
    });
    expect(wrong).toEqual([]);
  });
});

test("every source file is under a rule", () => {
  const free = files.filter(
    (file) => !RULES.some(({ from }) => from.some((s) => file.startsWith(s))),
  );
  expect(free).toEqual([]);
});

test("koffi is imported in broker/linux only", () => {
  const wrong = files.filter(
    (file) =>
      !file.startsWith("broker/linux/") &&
      importsOf(readFileSync(join(ROOT, file), "utf8")).includes("koffi"),
  );
  expect(wrong).toEqual([]);
});

test("no product file imports a test or test data", () => {
  const wrong = files
    .filter((file) => !isTest(file))
    .flatMap((file) =>
      importsOf(readFileSync(join(ROOT, file), "utf8"))
        .filter((specifier) => specifier.startsWith(".") && isTest(inProject(file, specifier)))
        .map((specifier) => `${file} -> ${specifier}`),
    );
  expect(wrong).toEqual([]);
});
