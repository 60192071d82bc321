import { didYouMean } from "../near-names.ts";
import type { Report } from "./finding.ts";
import type { JsonObject } from "./json-value.ts";

/**
 * Findings on keys that there are not and that are near to one which is absent: Pantavisor and the broker
 * ignore them without a word. Others may be meant for somebody else.
 */
export function lintKeys(
  path: string,
  item: JsonObject,
  known: readonly string[],
  report: Report,
): void {
  const absent = known.filter((key) => !Object.hasOwn(item, key));
  for (const key of Object.keys(item)) {
    if (known.includes(key) || key.length < 3) continue;
    const fix = didYouMean(key, absent);
    if (fix === undefined) continue;
    const message = `there is no key ${JSON.stringify(key)}: it is ignored`;
    report({ level: "error", code: "key-unknown", path: `${path}/${key}`, message, fix });
  }
}
