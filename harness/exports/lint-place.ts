import { pathProblem } from "../../broker/xconnect/links/link-rules.ts";
import type { Report } from "./finding.ts";

/** Findings on the path of a socket or target: the broker refuses links with the same words. */
export function lintPlace(
  path: string,
  what: "socket" | "target",
  place: string,
  report: Report,
): void {
  const problem = pathProblem(what, place);
  if (problem === undefined) return;
  const isRelative = !place.startsWith("/");
  report({
    level: "error",
    code: isRelative ? `${what}-relative` : "path-unsafe",
    path,
    message: `the broker refuses links with this path: ${problem}`,
    fix: isRelative ? "write it from /" : "write the plain path of a file",
  });
}
