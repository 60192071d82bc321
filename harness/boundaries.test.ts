import { globSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { describe, expect, test } from "vitest";

/**
 * Allowed imports: a row for each folder, the longest prefix counts. A file may always import
 * those beside it. An entry ends in `/` (a folder with all below it), in `/*.ts` (the folder's own
 * files), or names a file; `type ` before it allows `import type` alone.
 */
const FOLDERS: Readonly<Record<string, readonly string[]>> = {
  // Tests of both programs.
  "broker/": [],

  // Knowledge shared by both programs and, in part, the harness. Codecs and schemas are pure.
  "broker/shared/": [],
  "broker/shared/quirks/": [],
  "broker/shared/formats/": ["broker/shared/quirks/"],
  "broker/shared/protocols/": [
    "broker/shared/protocols/",
    "broker/shared/formats/",
    "broker/shared/quirks/",
  ],
  "broker/shared/pvrexport/": ["broker/shared/formats/", "broker/shared/*.ts"],
  "broker/shared/linux/": ["broker/shared/formats/fd-types.ts"],

  // The programs pv-appengine, pantavisor and pvtx.
  "broker/pantavisor/": ["broker/pantavisor/", "broker/shared/"],
  "broker/pantavisor/lifecycle/": ["broker/shared/formats/", "broker/shared/quirks/"],
  "broker/pantavisor/control/": [
    "broker/pantavisor/control/",
    "broker/pantavisor/lifecycle/",
    "broker/shared/",
  ],
  "broker/pantavisor/runtimes/": ["broker/shared/"],
  "broker/pantavisor/storage/": [
    "broker/pantavisor/storage/",
    "type broker/pantavisor/control/",
    "broker/shared/",
  ],

  "broker/pantavisor/systembus/": [
    "broker/pantavisor/storage/",
    "type broker/pantavisor/*.ts",
    "broker/shared/",
  ],

  // The program pv-xconnect.
  "broker/xconnect/": ["broker/xconnect/", "broker/shared/"],
  "broker/xconnect/links/": [
    "broker/xconnect/plugins/*.ts",
    "broker/xconnect/planes/",
    "broker/xconnect/peers/",
    "broker/shared/",
  ],
  "broker/xconnect/planes/": [
    "broker/xconnect/planes/",
    "broker/xconnect/peers/",
    "broker/shared/",
  ],
  "broker/xconnect/peers/": ["broker/shared/"],
  // plugin.ts and the helpers of all plugins.
  "broker/xconnect/plugins/": [
    "broker/xconnect/planes/",
    "type broker/xconnect/peers/",
    "broker/shared/",
  ],
  // The two files that know the plugins by name.
  "broker/xconnect/plugins/registry.ts": ["broker/xconnect/plugins/", "broker/shared/formats/"],
  "broker/xconnect/plugins/manifests.ts": ["broker/xconnect/plugins/"],
  "broker/xconnect/plugins/dbus/": PLUGIN(),
  "broker/xconnect/plugins/drm/": PLUGIN(),
  "broker/xconnect/plugins/input/": PLUGIN(),
  "broker/xconnect/plugins/rest/": PLUGIN(),
  "broker/xconnect/plugins/unix/": PLUGIN(),
  "broker/xconnect/plugins/wayland/": PLUGIN(),

  // The program pv-wasm.
  "broker/wasm/": ["broker/wasm/", "broker/shared/"],
  "broker/wasm/engines/": ["broker/wasm/*.ts", "broker/shared/"],
  "broker/wasm/wasi/": ["broker/wasm/*.ts"],
  "broker/wasm/http/": ["broker/wasm/*.ts", "broker/shared/"],
  "broker/wasm/dbus/": ["broker/wasm/*.ts", "broker/shared/"],
  "broker/wasm/shm/": ["broker/wasm/*.ts", "broker/shared/"],

  // The record and its folds know nothing of who writes the record.
  "reports/": [],
  "reports/html/": ["reports/*.ts"],
  // The page's script runs in a browser.
  "reports/html/client/": ["type reports/html/"],

  "harness/": ["harness/clock/", "reports/", "broker/shared/debug-topics.ts"],
  "harness/clock/": ["harness/*.ts", "reports/failure-details.ts"],
  // Limits of what an appengine may have, pure.
  "harness/watchers/": [],
  // Known causes of failures, pure.
  "harness/diagnosis/": ["harness/diagnosis/", "reports/failure-details.ts"],
  // Assertions of checks that name the value.
  "harness/facts/": ["harness/*.ts", "reports/"],
  "harness/setup/": [],
  // The checker takes off the same indent as the run.
  "harness/python/": ["harness/dedent.ts"],
  // The site of the documentation.
  "harness/docs/": ["harness/*.ts"],
  // Generators of what a codec knows of its protocol.
  "harness/protocols/": ["type broker/shared/protocols/"],
  "harness/engine/": ["harness/*.ts", "harness/clock/", "reports/"],
  "harness/image/": [
    "harness/*.ts",
    "harness/clock/",
    "harness/engine/",
    // Objects are put where an appengine has its storage.
    "harness/appengine/layout.ts",
    // Builds of a checkout: what it is made of, and what they leave.
    "harness/layer/",
    "harness/image/",
    "broker/shared/quirks/names.ts",
  ],
  // Rules for a checkout of meta-pantavisor: data in, findings out.
  "harness/layer/": ["harness/*.ts", "harness/layer/"],
  "harness/control/": [
    "harness/*.ts",
    "harness/clock/",
    "harness/engine/bounded.ts",
    "broker/shared/formats/",
  ],
  "harness/exports/": [
    "harness/*.ts",
    "harness/clock/",
    "harness/engine/",
    "harness/image/",
    "broker/shared/formats/",
    "broker/shared/pvrexport/",
    // The linter calls wrong what the reference refuses.
    "broker/pantavisor/service-graph.ts",
    "broker/xconnect/links/link-rules.ts",
    "broker/xconnect/plugins/manifests.ts",
  ],
  "harness/appengine/": [
    "harness/*.ts",
    "harness/clock/",
    "harness/engine/",
    "harness/control/",
    // An image without pvh's tools gets them before it is booted.
    "harness/image/equipped-image.ts",
    "harness/image/broker-image.ts",
    "reports/",
    "broker/shared/debug-topics.ts",
    "broker/shared/formats/",
    "broker/shared/quirks/names.ts",
  ],
  "harness/catalogue/": [
    "harness/*.ts",
    "reports/",
    "broker/shared/quirks/compat.ts",
    "broker/shared/quirks/names.ts",
  ],
  "harness/run/": [
    "harness/*.ts",
    "harness/appengine/",
    "harness/catalogue/",
    "harness/clock/",
    "harness/control/",
    "harness/diagnosis/",
    "harness/engine/",
    "harness/exports/",
    "harness/image/",
    "harness/project/",
    "harness/watchers/",
    "reports/",
    "broker/shared/quirks/names.ts",
  ],
  // Pantavisor's own tests: an appengine for each, and a record as every run has it.
  "harness/import/": [
    "harness/*.ts",
    "harness/appengine/",
    "harness/clock/",
    "harness/control/",
    "harness/engine/",
    "harness/exports/",
    "harness/run/",
    "reports/",
    "broker/shared/formats/",
  ],
  "harness/bench/": [
    "harness/*.ts",
    "harness/appengine/",
    "harness/bench/",
    "harness/engine/",
    "harness/exports/",
    "harness/image/",
    "reports/",
  ],
  "harness/chaos/": ["harness/*.ts", "harness/engine/", "harness/image/sources.ts", "reports/"],
  // A repository of the user's: its configuration, and how it begins.
  "harness/project/": [
    "harness/*.ts",
    "harness/run/source-position.ts",
    "broker/shared/formats/names.ts",
  ],
  "harness/project/template/": [],
  // The package's public face.
  "harness/library/": [
    "harness/",
    "reports/",
    "scenarios/support/program.ts",
    "type broker/shared/formats/graph.ts",
  ],
  // Makes the package's files.
  "harness/package/": ["harness/root.ts", "harness/package/package-data.ts"],
  "harness/cli/": [
    "harness/",
    "reports/",
    "package.json",
    "broker/shared/formats/",
    "broker/shared/quirks/names.ts",
  ],

  "scenarios/": [
    "scenarios/support/",
    "harness/*.ts",
    "harness/appengine/",
    "harness/clock/",
    "harness/control/",
    "harness/engine/",
    "harness/exports/",
    "harness/facts/",
    "harness/image/",
    "harness/import/",
    "harness/layer/",
    "harness/run/",
    "broker/shared/formats/",
    // A scenario that provokes quirks by name.
    "broker/shared/quirks/names.ts",
  ],
  // Newcomers copy these: scenarios use the harness, a program only the package.
  "examples/": ["harness/appengine/", "harness/exports/", "harness/facts/", "harness/run/"],
  "examples/library/": [],
};

/** A plugin knows no other plugin, and not the registry. */
function PLUGIN(): readonly string[] {
  return [
    "broker/xconnect/plugins/*.ts",
    "broker/xconnect/planes/",
    "type broker/xconnect/peers/",
    "broker/shared/",
  ];
}

/** A plugin does not know the list of plugins. */
const FORBIDDEN: readonly { readonly from: RegExp; readonly to: RegExp }[] = [
  {
    from: /^broker\/xconnect\/plugins\/[^/]+\//,
    to: /^broker\/xconnect\/plugins\/(registry|manifests)\.ts$/,
  },
];

/** Tests, and what only they use, may import all of their own program. */
const TEST_REACH: readonly { readonly from: string; readonly may: readonly string[] }[] = [
  { from: "broker/", may: ["broker/shared/"] },
  { from: "broker/hostile-", may: ["broker/"] },
  { from: "broker/pantavisor/", may: ["broker/pantavisor/", "broker/shared/"] },
  { from: "broker/wasm/", may: ["broker/wasm/", "broker/shared/"] },
  { from: "broker/xconnect/", may: ["broker/xconnect/", "broker/shared/"] },
  { from: "harness/", may: ["harness/", "reports/", "broker/shared/"] },
  { from: "reports/", may: ["reports/"] },
];

interface Import {
  readonly path: string;
  readonly typeOnly: boolean;
}

const ROOT = resolve(import.meta.dirname, "..");
const files = globSync("{harness,broker,reports,scenarios,containers,examples}/**/*.ts", {
  cwd: ROOT,
}).sort();
const isTest = (file: string): boolean =>
  /\.(test|fixture)\.ts$|\/testdata\/|\.setup\.ts$/.test(file);

/** Names in `import … from "x"`, `export … from "x"`, `import "x"` and `import("x")`. */
function importsOf(source: string): { specifier: string; typeOnly: boolean }[] {
  const code = source.replace(/\/\*[\s\S]*?\*\//g, "").replace(/^\s*\/\/.*$/gm, "");
  const statement =
    /(?:^|[;\s])(?:import|export)\s(?<clause>[^"'`;()]*?\sfrom\s)?\s*["'](?<name>[^"']+)["']/g;
  const call = /\bimport\(\s*["'](?<name>[^"']+)["']\s*\)/g;
  return [statement, call].flatMap((pattern) =>
    [...code.matchAll(pattern)].map(({ groups }) => ({
      specifier: groups?.["name"] ?? "",
      typeOnly: groups?.["clause"]?.startsWith("type ") === true,
    })),
  );
}

/** The imports of a file that stay in the project, as paths from its root. */
function projectImports(file: string, source: string): Import[] {
  return importsOf(source)
    .filter(({ specifier }) => specifier.startsWith("."))
    .map(({ specifier, typeOnly }) => ({ path: join(dirname(file), specifier), typeOnly }));
}

function allows(entry: string, { path, typeOnly }: Import): boolean {
  if (entry.startsWith("type ")) return typeOnly && allows(entry.slice(5), { path, typeOnly });
  if (entry.endsWith("/*.ts")) return dirname(path) === dirname(entry);
  return entry.endsWith("/") ? path.startsWith(entry) : path === entry;
}

/** The row of a file: that of the longest folder above it. */
function rowOf(file: string): string | undefined {
  return Object.keys(FOLDERS)
    .filter((folder) => file.startsWith(folder))
    .sort((a, b) => b.length - a.length)[0];
}

/** The imports of a file that its folder may not make. */
function wrongImports(file: string, source: string): string[] {
  const row = rowOf(file);
  if (row === undefined) return [`${file}: no row`];
  const reach = isTest(file)
    ? TEST_REACH.filter(({ from }) => file.startsWith(from)).flatMap(({ may }) => may)
    : [];
  const may = [`${dirname(file)}/*.ts`, ...(FOLDERS[row] ?? []), ...reach];
  return projectImports(file, source)
    .filter((one) => !may.some((entry) => allows(entry, one)) || isForbidden(file, one))
    .map(({ path }) => `${file} -> ${path}`);
}

function isForbidden(file: string, { path }: Import): boolean {
  return !isTest(file) && FORBIDDEN.some(({ from, to }) => from.test(file) && to.test(path));
}

/** Circles of the import graph, each as the files on it. */
function circles(graph: ReadonlyMap<string, readonly string[]>): string[][] {
  const state = new Map<string, "open" | "done">();
  const found: string[][] = [];
  const path: string[] = [];
  const visit = (file: string): void => {
    if (state.get(file) === "open") found.push([...path.slice(path.indexOf(file)), file]);
    if (state.has(file)) return;
    state.set(file, "open");
    path.push(file);
    for (const next of graph.get(file) ?? []) visit(next);
    path.pop();
    state.set(file, "done");
  };
  for (const file of graph.keys()) visit(file);
  return found;
}

const sources = new Map(files.map((file) => [file, readFileSync(join(ROOT, file), "utf8")]));
const graph = new Map(
  [...sources].map(([file, source]) => [
    file,
    projectImports(file, source).map(({ path }) => path),
  ]),
);

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
  expect(importsOf(source).map(({ specifier }) => specifier)).toEqual(
    ["a", "b", "c", "d", "e", "f"].map((name) => `./${name}.ts`),
  );
  expect(importsOf(source).filter(({ typeOnly }) => typeOnly)).toHaveLength(1);
});

describe("every file imports only what its folder may", () => {
  test.each(Object.keys(FOLDERS))("%s", (folder) => {
    const own = files.filter((file) => rowOf(file) === folder);
    expect(own.flatMap((file) => wrongImports(file, sources.get(file) ?? ""))).toEqual([]);
  });

  test("and every folder has a row", () => {
    expect(files.filter((file) => rowOf(file) === undefined)).toEqual([]);
  });

  test("and every row a folder", () => {
    const empty = Object.keys(FOLDERS).filter((row) => !files.some((file) => rowOf(file) === row));
    expect(empty).toEqual([]);
  });
});

test("no files import each other in a circle", () => {
  expect(circles(graph)).toEqual([]);
});

test("koffi is imported for system calls, and for the WebAssembly engine that is a C library", () => {
  const wrong = files.filter(
    (file) =>
      !file.startsWith("broker/shared/linux/") &&
      !file.startsWith("broker/wasm/engines/wasmedge") &&
      importsOf(sources.get(file) ?? "").some(({ specifier }) => specifier === "koffi"),
  );
  expect(wrong).toEqual([]);
});

test("every dependency is imported by the product", () => {
  const { dependencies } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
    readonly dependencies: Readonly<Record<string, string>>;
  };
  const imported = [...sources].flatMap(([file, source]) =>
    isTest(file) ? [] : importsOf(source).map(({ specifier }) => specifier),
  );
  const unused = Object.keys(dependencies).filter(
    // Types of a package go along with it: the library's own types name them.
    (name) => !imported.some((one) => `${one}/`.startsWith(`${name.replace("@types/", "")}/`)),
  );
  expect(unused).toEqual([]);
});

test("no value of harness and reports is exported that no other file names", () => {
  const configs = ["vitest.config.ts", "eslint.config.js"];
  const all = new Map(sources);
  for (const file of configs) all.set(file, readFileSync(join(ROOT, file), "utf8"));
  const unused = files
    .filter((file) => /^(harness|reports)\//.test(file) && !isTest(file))
    .flatMap((file) =>
      [...(all.get(file) ?? "").matchAll(EXPORTED_VALUE)].flatMap(([, name = ""]) => {
        const word = new RegExp(`\\b${name}\\b`);
        const isNamed = [...all].some(([other, source]) => other !== file && word.test(source));
        return isNamed ? [] : [`${file}: ${name}`];
      }),
    );
  expect(unused).toEqual([]);
});

const EXPORTED_VALUE = /^export (?:async )?(?:function\*?|const|class) (\w+)/gm;

test("no product file imports a test or test data", () => {
  const wrong = files
    .filter((file) => !isTest(file))
    .flatMap((file) => (graph.get(file) ?? []).filter(isTest).map((path) => `${file} -> ${path}`));
  expect(wrong).toEqual([]);
});

describe("the rules notice", () => {
  test.each([
    ["broker/xconnect/links/x.ts", "../../pantavisor/updater.ts"],
    ["broker/pantavisor/x.ts", "../xconnect/links/broker.ts"],
    ["broker/wasm/http/x.ts", "../dbus/module.ts"],
    ["broker/xconnect/plugins/dbus/x.ts", "../rest/rules.ts"],
    ["broker/xconnect/plugins/dbus/x.ts", "../registry.ts"],
    ["broker/xconnect/plugins/dbus/x.ts", "../../links/listener.ts"],
    ["broker/xconnect/plugins/plugin.ts", "./dbus/dbus.ts"],
    ["harness/until.ts", "./cli/run.ts"],
    ["broker/pantavisor/lifecycle/x.ts", "../control/server.ts"],
    ["broker/shared/formats/x.ts", "../linux/statx.ts"],
    ["reports/x.ts", "../harness/errors.ts"],
    ["harness/engine/x.ts", "../appengine/appengine.ts"],
    ["harness/run/x.ts", "../../broker/pantavisor/updater.ts"],
    ["scenarios/unix/x.scenario.ts", "../../broker/shared/protocols/dbus/signature.ts"],
  ])("%s imports %s", (file, specifier) => {
    expect(wrongImports(file, `import { x } from "${specifier}";`)).toHaveLength(1);
  });

  test("a value where only types may come", () => {
    const file = "broker/pantavisor/storage/x.ts";
    const from = `from "../control/pantavisor-view.ts";`;
    expect(wrongImports(file, `import { x } ${from}`)).toHaveLength(1);
    expect(wrongImports(file, `import type { X } ${from}`)).toEqual([]);
  });

  test("a circle of two, and of three", () => {
    const two = new Map([
      ["a", ["b"]],
      ["b", ["a"]],
    ]);
    const three = new Map([
      ["a", ["b"]],
      ["b", ["c"]],
      ["c", ["a", "d"]],
      ["d", []],
    ]);
    expect(circles(two)).toEqual([["a", "b", "a"]]);
    expect(circles(three)).toEqual([["a", "b", "c", "a"]]);
  });
});
