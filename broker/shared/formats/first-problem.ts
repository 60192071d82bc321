import type * as z from "zod";

/**
 * The first problem of a document, in one line: `path.to.key: problem`.
 * @param root keys that lead to the document, where it is part of another
 */
export function firstProblem({ issues: [issue] }: z.ZodError, ...root: readonly string[]): string {
  const where = [...root, ...(issue?.path ?? [])].map(String).join(".");
  const what = issue?.message ?? "invalid";
  return where === "" ? what : `${where}: ${what}`;
}
