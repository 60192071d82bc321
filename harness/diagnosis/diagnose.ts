import type { Diagnosis, Quote } from "../../reports/failure-details.ts";
import type { Clue } from "./clue.ts";
import type { DiagnosisRule, Sign } from "./rule.ts";

/** Values of the named groups of the lines that matched so far. */
type Values = Readonly<Record<string, string>>;

interface Found {
  readonly values: Values;
  readonly quotes: readonly Quote[];
}

/** Lines that are tried as the one that a rule means. */
const CANDIDATES = 50;
/** Lines of a sign that a diagnosis quotes, and its causes. */
const QUOTED = 3;
const MOST_CAUSES = 5;

/** The known causes that the evidence shows, the likeliest first. Pure. */
export function diagnose(
  rules: readonly DiagnosisRule[],
  clues: readonly Clue[],
): readonly Diagnosis[] {
  return rules
    .flatMap((rule) => {
      const found = search(rule.shows, clues, { values: {}, quotes: [] });
      if (found === undefined) return [];
      const denies = rule.unless ?? [];
      if (denies.some((sign) => search([sign], clues, found) !== undefined)) return [];
      const { id, cause, fix, source } = rule;
      const fill = (text: string): string => filled(text, found.values, unquoted);
      return [{ rule: id, cause: fill(cause), fix: fill(fix), source, evidence: found.quotes }];
    })
    .slice(0, MOST_CAUSES);
}

/** Finds lines for all signs; a value that one of them gives holds in those after it. */
function search(signs: readonly Sign[], clues: readonly Clue[], before: Found): Found | undefined {
  const [sign, ...rest] = signs;
  if (sign === undefined) return before;
  const patternOf = (source: string): RegExp => new RegExp(filled(source, before.values, escaped));
  const { line, from = "" } = sign;
  for (const matches of candidates(sign, patternOf(line), patternOf(from), clues)) {
    const values = { ...before.values, ...matches.values };
    const found = search(rest, clues, { values, quotes: [...before.quotes, matches.quote] });
    if (found !== undefined) return found;
  }
  return undefined;
}

function candidates(
  { in: kinds, least = 1, during }: Sign,
  pattern: RegExp,
  place: RegExp,
  clues: readonly Clue[],
): { readonly values: Values; readonly quote: Quote }[] {
  const wanted: readonly string[] = typeof kinds === "string" ? [kinds] : kinds;
  const matching = clues
    .filter(({ kind }) => wanted.includes(kind))
    .flatMap(({ from, lines, ofCheck = lines }) => {
      const placed = place.exec(from);
      if (placed === null) return [];
      return (during === "check" ? ofCheck : lines).flatMap((line) => {
        const match = pattern.exec(line);
        return match === null
          ? []
          : [{ from, line, groups: { ...placed.groups, ...match.groups } }];
      });
    });
  // Lines of several files are of several appengines, or of several causes.
  const files = Map.groupBy(matching, ({ from }) => from);
  return matching
    .filter(({ from }) => (files.get(from)?.length ?? 0) >= least)
    .slice(0, CANDIDATES)
    .map(({ from, line, groups }) => ({
      values: present(groups),
      quote: {
        from,
        lines:
          least === 1
            ? [line]
            : matching
                .filter((one) => one.from === from)
                .map((one) => one.line)
                .slice(0, QUOTED),
      },
    }));
}

function present(groups: Readonly<Record<string, string | undefined>>): Values {
  return Object.fromEntries(
    Object.entries(groups).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}

function filled(text: string, values: Values, form = (value: string): string => value): string {
  return text.replaceAll(/\{([a-z]\w*)\}/g, (whole, name: string) => {
    const value = values[name];
    return value === undefined ? whole : form(value);
  });
}

function escaped(value: string): string {
  return value.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
}

/** A value of a JSON text, whose quotes are escaped. */
function unquoted(value: string): string {
  return value.replaceAll(/\\(["\\])/g, "$1");
}
