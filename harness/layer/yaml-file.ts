import { isMap, isScalar, LineCounter, parseDocument } from "yaml";
import type { Document } from "yaml";
import { messageOfThrown } from "../thrown.ts";

/** Uses of an anchor that a file may make: one of 1 KiB can name itself a billion times. */
const MOST_ALIASES = 100;

/** A YAML file that remembers its lines. */
export class YamlFile {
  /** First mistake, with its line. */
  readonly mistake: { readonly line: number; readonly what: string } | undefined;
  /** Plain value; undefined where the file is no YAML. */
  readonly value: unknown;
  readonly #document: Document.Parsed | undefined;
  readonly #lines = new LineCounter();

  constructor(text: string) {
    try {
      const document = parseDocument(text, { lineCounter: this.#lines, prettyErrors: false });
      const [error] = document.errors;
      if (error === undefined) {
        this.value = document.toJS({ maxAliasCount: MOST_ALIASES }) as unknown;
        this.#document = document;
      } else {
        this.mistake = { line: this.#lines.linePos(error.pos[0]).line, what: error.message };
      }
    } catch (error) {
      // Too many aliases, or nested deeper than the stack.
      this.mistake = { line: 1, what: messageOfThrown(error) };
    }
  }

  /** Line of a key, or of the nearest key above it that is there. */
  lineOf(path: readonly string[]): number {
    let line = 1;
    let node: unknown = this.#document?.contents;
    for (const key of path) {
      if (!isMap(node)) return line;
      const pair = node.items.find(({ key: one }) => isScalar(one) && String(one.value) === key);
      if (pair === undefined || !isScalar(pair.key)) return line;
      const [offset = 0] = pair.key.range ?? [];
      line = this.#lines.linePos(offset).line;
      node = pair.value;
    }
    return line;
  }
}
