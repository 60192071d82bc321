import * as z from "zod";
import { DocumentTooLarge } from "../../broker/shared/formats/document-size.ts";
import type { Report } from "./finding.ts";

/** Report what the format's own parser refuses: missing keys and wrong types. */
export function lintTypes(path: string, parse: () => unknown, report: Report): void {
  try {
    parse();
  } catch (error) {
    if (error instanceof DocumentTooLarge) {
      const { message } = error;
      report({ level: "error", code: "wrong-type", path, message, fix: "split or shorten it" });
      return;
    }
    if (!(error instanceof z.ZodError)) throw error;
    for (const { path: at, message } of error.issues.flatMap(flatten)) {
      const pointer = at.map((step) => `/${String(step)}`).join("");
      report({
        level: "error",
        code: "wrong-type",
        path: pointer === "" ? path : `${path}${path.includes("#") ? "" : "#"}${pointer}`,
        message,
        fix: "write a value of the type that the format requires",
      });
    }
  }
}

interface Issue {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

/** For a union, report why the alternative that came closest does not fit. */
function flatten(issue: z.core.$ZodIssue): Issue[] {
  if (issue.code !== "invalid_union") return [issue];
  const depth = (issues: readonly z.core.$ZodIssue[]) =>
    Math.max(0, ...issues.map(({ path }) => path.length));
  const [closest] = [...issue.errors].sort((a, b) => depth(b) - depth(a));
  if (closest === undefined || depth(closest) === 0) return [issue];
  return closest
    .flatMap(flatten)
    .map(({ path, message }) => ({ path: [...issue.path, ...path], message }));
}
