import { posix } from "node:path";

/** A file that differs from its base. Paths are relative to the root of the clone. */
export interface Change {
  readonly path: string;
  /** Lines that are there now and were not before. */
  readonly added: readonly string[];
}

/** Text of the files of the clone that a change may reach, by path. */
export type Sources = ReadonlyMap<string, string>;

/** Parts of the catalogue's claims that changes touch. */
export interface Touched {
  readonly quirks: ReadonlySet<string>;
  /** Paths of scenario files. */
  readonly scenarios: ReadonlySet<string>;
  /** Ids of rows of the catalogue. */
  readonly rows: ReadonlySet<string>;
}

const NAMES = "broker/shared/quirks/names.ts";
const CATALOGUE = "fixtures/catalogue.json";

/**
 * Quirks and checks that changes touch:
 * - a changed file of the broker touches the quirks that it names; where it names none and is a
 *   quirk's own (`*.quirk.ts`), those that the files which import it name;
 * - a changed file below scenarios, examples or containers touches the scenarios that are or import it;
 * - the list of quirks and the catalogue touch what their new lines name.
 *
 * The harness is not looked at: all checks go through it.
 */
export function touchedBy(
  changes: readonly Change[],
  sources: Sources,
  quirks: readonly string[],
): Touched {
  const touched = {
    quirks: new Set<string>(),
    scenarios: new Set<string>(),
    rows: new Set<string>(),
  };
  const named = (text: string): string[] => quirks.filter((quirk) => text.includes(`"${quirk}"`));
  const reached = importersOf(
    changes.map(({ path }) => path),
    sources,
  );
  for (const { path, added } of changes) {
    if (path === NAMES || path === CATALOGUE) {
      const text = added.join("\n");
      for (const quirk of named(text)) touched.quirks.add(quirk);
      for (const [, id] of text.matchAll(/^\s*"id": "([^"]+)"/gm)) touched.rows.add(id ?? "");
    } else if (path.startsWith("broker/")) {
      for (const quirk of quirksOf(path, sources, named)) touched.quirks.add(quirk);
    }
  }
  for (const path of reached) if (path.endsWith(".scenario.ts")) touched.scenarios.add(path);
  return touched;
}

function quirksOf(
  path: string,
  sources: Sources,
  named: (text: string) => string[],
): readonly string[] {
  const own = named(sources.get(path) ?? "");
  if (own.length > 0 || !path.endsWith(".quirk.ts")) return own;
  return [...sources]
    .filter(([file, text]) => importsOf(file, text).includes(path))
    .flatMap(([, text]) => named(text));
}

/** These files, and those that import them below scenarios, examples and containers. */
function importersOf(paths: readonly string[], sources: Sources): Set<string> {
  const users = new Map<string, string[]>();
  for (const [file, text] of sources) {
    if (!/^(scenarios|examples|containers)\//.test(file)) continue;
    for (const used of importsOf(file, text)) users.set(used, [...(users.get(used) ?? []), file]);
  }
  const reached = new Set(paths.filter((path) => !path.startsWith("harness/")));
  for (const path of reached) for (const user of users.get(path) ?? []) reached.add(user);
  return reached;
}

function importsOf(file: string, text: string): string[] {
  return [...text.matchAll(/(?:from|import) "(\.[^"]+)"/g)].map(([, specifier = ""]) =>
    posix.join(posix.dirname(file), specifier),
  );
}
