import { resolve } from "node:path";

/** The root of the clone. */
export const ROOT = resolve(import.meta.dirname, "..");

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
