import { placeIn } from "../place-in.ts";

/**
 * Where a value stands in the text of a JSON file, or the nearest thing around it that is there.
 *
 * @param path keys and indices from the root
 * @returns `:LINE:COLUMN`, from 1; empty where the text is not understood
 */
export async function placeOf(text: string, path: readonly PropertyKey[]): Promise<string> {
  // Loaded late: only what is wrong has to be found.
  const { isMap, isNode, isSeq, parseDocument } = await import("yaml");
  let node: unknown = parseDocument(text, { logLevel: "silent" }).contents;
  let offset = isNode(node) ? node.range?.[0] : undefined;
  for (const step of path) {
    let found: unknown;
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => String(key) === String(step));
      found = pair?.key;
      node = pair?.value;
    } else if (isSeq(node)) {
      found = node.items[Number(step)];
      node = found;
    }
    if (!isNode(found)) break;
    offset = found.range?.[0];
  }
  return offset === undefined ? "" : `:${placeIn(text, offset)}`;
}

/** As {@link placeOf}, from the offset that a JSON parser's message names. */
export function placeOfMistake(text: string, message: string): string {
  const [, offset] = /at position (\d+)/.exec(message) ?? [];
  return offset === undefined ? "" : `:${placeIn(text, Number(offset))}`;
}

/** The path of a JSON pointer, without its leading `#`. */
export function pathOfPointer(pointer: string): string[] {
  return pointer
    .split("/")
    .slice(1)
    .map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"));
}
