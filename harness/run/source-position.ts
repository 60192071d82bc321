import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { propertyOf, textOf } from "../thrown.ts";
import { ownRoots, shownPath } from "../shown-path.ts";

/** Place at which a file is wrong, and the reason. */
export interface Position {
  /** `path:line:column`, the path relative to the project; undefined where nothing tells. */
  readonly at: string | undefined;
  readonly what: string;
}

/** Source of an error thrown while a file was loaded: its syntax, or a frame of the stack. */
export async function positionOf(
  path: string,
  { message, stack }: { readonly message: string; readonly stack: string },
): Promise<Position> {
  if (/SyntaxError/.test(`${message}\n${stack.slice(0, 2_000)}`)) {
    // Node names a file that cannot be parsed in the first line of the stack.
    const wrong = fileOf(/^(.*?):(\d+)$/m.exec(stack.split("\n", 1)[0] ?? "")?.[1]) ?? path;
    const syntax = await syntaxErrorOf(wrong);
    if (syntax !== undefined) return syntax;
    const linked = linkErrorOf(stack);
    if (linked !== undefined) return { at: linked, what: message };
  }
  const frames = [...stack.matchAll(/(file:\/\/\/[^\s():]+|\/[^\s():]+):(\d+):(\d+)/g)];
  const own = frames.find(([, file]) => fileOf(file) === path) ?? frames.find(isOwn);
  if (own === undefined) return { at: await specifierIn(path, message), what: message };
  const [, file, line = "1", column = "1"] = own;
  return { at: `${shownPath(fileOf(file) ?? path)}:${line}:${column}`, what: message };
}

/** esbuild says where; Node does not always. */
async function syntaxErrorOf(path: string): Promise<Position | undefined> {
  const { transform } = await import("esbuild");
  try {
    await transform(await readFile(path, "utf8"), { loader: "ts", logLevel: "silent" });
    return undefined;
  } catch (error) {
    const errors = propertyOf(error, "errors");
    const first: unknown = Array.isArray(errors) ? errors[0] : undefined;
    const location = propertyOf(first, "location");
    const [line, column] = ["line", "column"].map((key) => propertyOf(location, key));
    const what = textOf(first, "text");
    if (typeof line !== "number" || typeof column !== "number" || what === undefined) {
      return undefined;
    }
    return { at: `${shownPath(path)}:${line}:${column + 1}`, what };
  }
}

/** `file:///x.ts:3`, the line, a line with carets: how Node shows an import that cannot be linked. */
function linkErrorOf(stack: string): string | undefined {
  const [first = "", , carets = ""] = stack.split("\n");
  const [, url, line = "1"] = /^(file:\/\/\S+):(\d+)$/.exec(first) ?? [];
  const file = fileOf(url);
  return file === undefined
    ? undefined
    : `${shownPath(file)}:${line}:${Math.max(0, carets.indexOf("^")) + 1}`;
}

/** An import of what is not there: the message names it, no frame does. */
async function specifierIn(path: string, message: string): Promise<string | undefined> {
  const [, missing = "", importer] =
    /Cannot find (?:module|package) '([^']+)' imported from (\S+)/.exec(message) ?? [];
  const name = missing.split("/").at(-1) ?? "";
  const file = importer ?? path;
  const text = name === "" ? "" : await readFile(file, "utf8").catch(() => "");
  const at = name === "" ? -1 : text.indexOf(name);
  if (at < 0) return undefined;
  const before = text.slice(0, at).split("\n");
  return `${shownPath(file)}:${before.length}:${(before.at(-1)?.length ?? 0) + 1}`;
}

const UNTOLD = /\/node_modules\/|\/load-files\.main\.[jt]s$/;

function isOwn([, file]: RegExpMatchArray): boolean {
  const path = fileOf(file);
  return (
    path !== undefined &&
    ownRoots().some((root) => path.startsWith(`${root}/`)) &&
    !UNTOLD.test(path)
  );
}

function fileOf(urlOrPath: string | undefined): string | undefined {
  if (urlOrPath === undefined || urlOrPath.startsWith("/")) return urlOrPath;
  return urlOrPath.startsWith("file:///") ? fileURLToPath(urlOrPath) : undefined;
}
