import { resolve } from "node:path";

/** The root of the clone. */
export const ROOT = resolve(import.meta.dirname, "..");
