import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { CodeExcerpt } from "../reports/failure-details.ts";
import { ROOT } from "./root.ts";

/** Lines before and after the one that failed. */
const AROUND = 1;
const LONGEST = 400;

/** @returns the lines around the first frame in a scenario's file, if it can be read */
export function codeExcerpt(stack: string | undefined): CodeExcerpt | undefined {
  const frame = stack?.split("\n").find((line) => FRAME.test(line)) ?? "";
  const [, file = "", at = ""] = FRAME.exec(frame) ?? [];
  if (file === "") return undefined;
  try {
    const lines = readFileSync(join(ROOT, file), "utf8").split("\n");
    const line = Number(at);
    const from = Math.max(1, line - AROUND);
    const shown = lines.slice(from - 1, line + AROUND).map((text) => text.slice(0, LONGEST));
    return shown.length === 0 ? undefined : { file, line, from, lines: shown };
  } catch {
    return undefined;
  }
}

const FRAME = /(?:^|[ (])((?:scenarios|examples)\/[^\s():]+\.scenario\.ts):(\d+):\d+/;
