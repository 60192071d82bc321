import type { Checkout } from "./checkout.ts";
import { YamlFile } from "./yaml-file.ts";

export type Tree = { readonly [key: string]: unknown };

/** A place of a kas configuration that has something to be said about it. */
export interface KasProblem {
  readonly file: string;
  readonly line: number;
  readonly what: string;
}

/** Files that a chain may have, includes counted each time. */
const MOST_FILES = 200;

/**
 * Output of `kas dump` for a chain of files, without the commits that it looks up: later
 * files over earlier ones, includes before the file that names them, mappings merged key by key
 * (kas documentation, "Project Configuration").
 */
export function mergedConfig(
  checkout: Checkout,
  chain: readonly string[],
): { readonly config: Tree; readonly problems: readonly KasProblem[] } {
  const problems: KasProblem[] = [];
  let config: Tree = {};
  let files = 0;
  const add = (path: string, from: KasProblem, above: readonly string[]): void => {
    files += 1;
    const text = checkout.text(path);
    if (text === undefined) {
      problems.push(from);
      return;
    }
    const file = new YamlFile(text);
    const tree = asTree(file.value);
    if (tree === undefined) {
      const { line = 1, what = "it is no mapping" } = file.mistake ?? {};
      problems.push({ file: path, line, what });
      return;
    }
    const includes = asTree(tree["header"])?.["includes"];
    for (const include of Array.isArray(includes) ? (includes as unknown[]) : []) {
      // An include of another repository, {repo, file}, cannot be read before it is fetched.
      if (typeof include !== "string") continue;
      const line = file.lineOf(["header", "includes"]);
      if (above.includes(include) || files > MOST_FILES) {
        problems.push({ file: path, line, what: `it includes ${include} in a circle` });
        continue;
      }
      const beside = `${path.slice(0, path.lastIndexOf("/") + 1)}${include}`;
      const found = checkout.text(include) === undefined ? beside : include;
      const missing = { file: path, line, what: `it includes ${include}, which is not there` };
      add(found, missing, [...above, include]);
    }
    config = merged(config, tree);
  };
  for (const path of chain) add(path, { file: path, line: 1, what: "it is not there" }, [path]);
  return { config, problems };
}

/** Keys at which two configurations differ, as paths; those that only a dump resolves are left out. */
export function differingKeys(wanted: Tree, found: Tree, path: readonly string[] = []): string[][] {
  const keys = new Set([...Object.keys(wanted), ...Object.keys(found)]);
  return [...keys].flatMap((key) => {
    const at = [...path, key];
    if (isResolved(at)) return [];
    const [left, right] = [wanted[key], found[key]];
    const [one, other] = [asTree(left), asTree(right)];
    if (one !== undefined && other !== undefined) return differingKeys(one, other, at);
    return isSame(left, right) && Object.hasOwn(wanted, key) === Object.hasOwn(found, key)
      ? []
      : [at];
  });
}

export function asTree(value: unknown): Tree | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Tree)
    : undefined;
}

function merged(below: Tree, above: Tree): Tree {
  const result: Record<string, unknown> = { ...below };
  for (const [key, value] of Object.entries(above)) {
    if (key === "__proto__") continue;
    const [one, other] = [asTree(result[key]), asTree(value)];
    result[key] = one !== undefined && other !== undefined ? merged(one, other) : value;
  }
  return result;
}

/** A dump resolves includes and commits, and tells of its own place. */
function isResolved(path: readonly string[]): boolean {
  const [first = "", , key] = path;
  if (
    path.length === 1 &&
    ["_source_dir", "_source_dir_host", "menu_configuration"].includes(first)
  ) {
    return true;
  }
  if (first === "header") return path.length === 2;
  return first === "repos" && path.length === 3 && ["commit", "branch", "tag"].includes(key ?? "");
}

function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(plain(one)) === JSON.stringify(plain(other));
}

/** Block texts end in a newline or not, as the dump likes; a list of one target is a target. */
function plain(value: unknown): unknown {
  if (typeof value === "string") return value.trimEnd();
  if (Array.isArray(value)) return value.length === 1 ? plain(value[0]) : value.map(plain);
  return value ?? null;
}
