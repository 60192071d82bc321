import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { ROOT } from "../root.ts";
import { fileOf, LAZY_MODULES } from "./lazy-libraries.ts";

/** Runs a module in a Node of its own. */
const run = (source: string): unknown => {
  const words = ["--input-type=module", "--eval", source];
  return JSON.parse(execFileSync(process.execPath, words, { cwd: ROOT, encoding: "utf8" }));
};
const lazily = `await import(${JSON.stringify(join(ROOT, "harness/engine/lazy-libraries.ts"))});`;

describe("libraries that are loaded when they are used", () => {
  test.each(LAZY_MODULES)("$library still requires $specifier", (lazy) => {
    expect(fileOf(lazy)).toBeDefined();
  });

  test.each(LAZY_MODULES)("$specifier of $library looks to its importers as it is", (lazy) => {
    const file = fileOf(lazy) ?? "";
    const isCompiled = run(`
      import { createRequire } from "node:module";
      const real = createRequire(import.meta.url)(${JSON.stringify(file)});
      console.log(JSON.stringify(real.__esModule === true));`);
    expect(lazy.isCompiled ?? false).toBe(isCompiled);
  });

  test("AppengineContainer loads without them", () => {
    const loaded = run(`
      import { createRequire } from "node:module";
      await import(${JSON.stringify(join(ROOT, "harness/appengine/appengine-container.ts"))});
      const { cache } = createRequire(import.meta.url);
      const heavy = /node_modules\\/(undici|ssh2|protobufjs|@grpc\\/grpc-js|archiver)\\//;
      const stand = ${JSON.stringify(LAZY_MODULES.map((lazy) => fileOf(lazy)))};
      const files = Object.keys(cache).filter((file) => heavy.test(file) && !stand.includes(file));
      console.log(JSON.stringify(files));`);
    expect(loaded).toEqual([]);
  });

  test("what was postponed works when it is used", () => {
    const used = run(`${lazily}
      import { createRequire } from "node:module";
      const require = createRequire(import.meta.url);
      const [compose, archiver, undici] = ["docker-compose", "archiver", "undici"]
        .map((name) => createRequire(require.resolve("testcontainers"))(name));
      console.log(JSON.stringify([
        typeof compose.default.upAll, typeof archiver("tar").append, "fetch" in undici,
        new undici.Agent().constructor.name, Object.keys(compose).includes("upAll"),
      ]));`);
    expect(used).toEqual(["function", "function", true, "Agent", true]);
  });

  test("what was postponed can be imported by its names", () => {
    const used = run(`${lazily}
      const { Agent } = await import("undici");
      console.log(JSON.stringify(typeof Agent));`);
    expect(used).toBe("function");
  });
});
