import { diff, inspect, types } from "node:util";
import { withWords } from "./matcher-words.ts";

/**
 * Lines of two structures: `- ` what came, `+ ` what was promised, two blanks what both have.
 * @returns undefined where neither side is a structure or a text of several lines
 */
export function structureDiff(actual: unknown, promised: unknown): string[] | undefined {
  if (!isLong(actual) && !isLong(promised)) return undefined;
  if (types.isRegExp(promised)) return undefined;
  const [left, right] = [linesOf(actual), linesOf(promised)];
  const pairs = diff(left, right);
  return pairs.map(([operation, line]) => `${SIGNS[operation]}${line}`);
}

const SIGNS = { "-1": "+ ", "0": "  ", "1": "- " } as const;

function isLong(value: unknown): boolean {
  if (typeof value === "string") return value.includes("\n");
  return typeof value === "object" && value !== null;
}

function linesOf(value: unknown): string[] {
  if (typeof value === "string") return value.split("\n");
  try {
    return inspect(withWords(value), {
      depth: 12,
      breakLength: 1,
      compact: false,
      sorted: true,
      maxArrayLength: null,
      maxStringLength: null,
      customInspect: !types.isProxy(value),
    }).split("\n");
  } catch {
    return ["a value that cannot be described"];
  }
}
