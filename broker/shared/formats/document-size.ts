/** No manifest, list of groups or of drivers has so many. */
const MOST_VALUES = 20_000;

export class DocumentTooLarge extends Error {
  override readonly name = "DocumentTooLarge";
}

/**
 * Count the values of a document before a schema reads it: what a schema says about a hundred
 * thousand wrong ones helps nobody, and takes seconds.
 * @throws DocumentTooLarge
 */
export function checkDocumentSize(document: unknown): void {
  let count = 0;
  const open: unknown[] = [document];
  for (let value = open.pop(); value !== undefined; value = open.pop()) {
    if (typeof value !== "object" || value === null) continue;
    const inside: unknown[] = Object.values(value);
    count += inside.length;
    if (count > MOST_VALUES) throw new DocumentTooLarge(`holds more than ${MOST_VALUES} values`);
    // Not push(...inside): each argument takes room on the stack.
    for (const one of inside) if (one !== undefined) open.push(one);
  }
}
