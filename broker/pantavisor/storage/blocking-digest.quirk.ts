import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";

/** SHA-256 of a file, read from end to end while nothing else is done. */
export function blockingDigest(path: string): string {
  return createHash("sha256").update(readFileSync(path)).digest("hex");
}
