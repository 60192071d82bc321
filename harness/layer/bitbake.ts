/** An assignment of a recipe, class or configuration, with its continued lines in one. */
export interface Assignment {
  readonly name: string;
  readonly operator: string;
  readonly value: string;
  /** Line of its name, from 1. */
  readonly line: number;
}

/** A function of a recipe or class, shell or Python. */
export interface RecipeFunction {
  readonly name: string;
  readonly line: number;
  readonly body: readonly { readonly text: string; readonly line: number }[];
}

const ASSIGNMENT =
  /^(?:export\s+)?([A-Za-z0-9_][\w:./+${}%-]*?)\s*(\?\?=|\?=|:=|\+=|=\+|\.=|=\.|=)\s*(["'])([\s\S]*)$/;
const FUNCTION = /^(?:fakeroot\s+)?(?:python\s+)?([\w:.${}/-]*)\s*\(\)\s*\{\s*$/;

/** Assignments outside of functions (BitBake user manual, "Syntax and Operators"). */
export function assignmentsOf(text: string): Assignment[] {
  const found: Assignment[] = [];
  for (const { text: joined, line } of logicalLines(text)) {
    const [, name = "", operator = "", quote = "", rest = ""] = ASSIGNMENT.exec(joined) ?? [];
    if (name === "") continue;
    const end = rest.lastIndexOf(quote);
    found.push({ name, operator, value: end < 0 ? rest : rest.slice(0, end), line });
  }
  return found;
}

/** Functions of a recipe: BitBake ends one at the first `}` that begins a line. */
export function functionsOf(text: string): RecipeFunction[] {
  const lines = text.split("\n");
  return lines.flatMap((first, index) => {
    const [, name] = FUNCTION.exec(first) ?? [];
    if (name === undefined) return [];
    const end = lines.findIndex((line, at) => at > index && line.startsWith("}"));
    const body = lines
      .slice(index + 1, end < 0 ? lines.length : end)
      .map((one, offset) => ({ text: one, line: index + 2 + offset }));
    return [{ name, line: index + 1, body }];
  });
}

/**
 * The words of a variable, of its overrides and appends together, and the line of its first
 * assignment. A later plain assignment replaces; `:remove` takes words away.
 */
export function wordsOf(
  text: string,
  variable: string,
): { readonly words: ReadonlySet<string>; readonly line: number | undefined } {
  let words = new Set<string>();
  const removed = new Set<string>();
  let line: number | undefined;
  for (const one of assignmentsOf(text)) {
    const [name, ...overrides] = one.name.split(":");
    if (name !== variable) continue;
    line ??= one.line;
    const own = one.value.split(/\s+/).filter((word) => word !== "");
    if (overrides.includes("remove")) own.forEach((word) => removed.add(word));
    else if (one.operator === "=" && overrides.length === 0) words = new Set(own);
    else own.forEach((word) => words.add(word));
  }
  for (const word of removed) words.delete(word);
  return { words, line };
}

/** Lines without comments, a line that ends in a backslash joined with the next. */
function logicalLines(text: string): { text: string; line: number }[] {
  const inside = new Set(
    functionsOf(text).flatMap(({ line, body }) => [line, ...body.map((one) => one.line)]),
  );
  const joined: { text: string; line: number }[] = [];
  let open: { text: string; line: number } | undefined;
  text.split("\n").forEach((raw, index) => {
    if (open === undefined && (inside.has(index + 1) || /^\s*#/.test(raw))) return;
    open ??= { text: "", line: index + 1 };
    const continues = raw.endsWith("\\");
    open.text += `${continues ? raw.slice(0, -1) : raw}${continues ? " " : ""}`;
    if (continues) return;
    joined.push(open);
    open = undefined;
  });
  if (open !== undefined) joined.push(open);
  return joined;
}
