import { createHash } from "node:crypto";

/** A text that the seed and the name tell: sorting by it draws lots. */
export function lotOf(seed: string, name: string): string {
  return createHash("sha256").update(`${seed}.${name}`).digest("hex");
}
