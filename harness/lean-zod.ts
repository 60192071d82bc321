/**
 * Imported before any other module that imports zod: it loads without the texts of its errors in fifty
 * other languages, half of what it costs. Each is loaded when it is first used.
 */
import { readFileSync } from "node:fs";
import { registerHooks } from "node:module";

const REQUIRE = `import { createRequire } from "node:module"; const require = createRequire(import.meta.url);\n`;
const LANGUAGE = /^export { default as (\w+) } from "(\S+)\.js";$/gm;
const LATER = `export const $1 = () => require("$2.cjs")();`;

const hooks = registerHooks({
  load(url, context, next) {
    const loaded = next(url, context);
    if (!url.endsWith("/zod/v4/locales/index.js")) return loaded;
    const source = readFileSync(new URL(url), "utf8").replaceAll(LANGUAGE, LATER);
    return { ...loaded, source: REQUIRE + source };
  },
});
await import("zod");
hooks.deregister();
