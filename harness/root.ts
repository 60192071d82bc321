import { extname, resolve } from "node:path";

/** The root of the clone; of an installed package, its folder `dist`, which is laid out like a clone. */
export const ROOT = resolve(import.meta.dirname, "..");

/** Extension of pvh's own modules: `.ts` in a clone, `.js` where they are compiled. */
export const MODULE = extname(import.meta.filename);

/** Options of node with which `import "pvh"` leads to the sources of a clone, and not to its `dist`. */
export const OWN_SOURCES = MODULE === ".ts" ? ["--conditions=pvh-source"] : [];

/** Folders of the clone whose files make a verdict: scenario files load them, or read them. */
export const SOURCE_FOLDERS = [
  "broker",
  "containers",
  "examples",
  "fixtures",
  "harness",
  "reports",
  "scenarios",
] as const;
