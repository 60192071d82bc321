import { existsSync, readFileSync, writeFileSync } from "node:fs";

/** boot/uboot.txt: `key=value` pairs ended by NUL (facts §2.2). */
export function readBootRevision(file: string): string {
  const pairs = readFileSync(file, "utf8").split("\0");
  const revision = pairs.find((pair) => pair.startsWith("pv_rev="))?.slice("pv_rev=".length);
  return revision === undefined || revision === "" ? "0" : revision;
}

export function ensureBootFile(file: string): void {
  if (!existsSync(file)) writeFileSync(file, "pv_rev=0\0");
}
