import { createHash } from "node:crypto";
import { readdirSync, readFileSync, rmdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";

interface Known {
  readonly size: number;
  readonly sum: string;
}

/**
 * Finds the news in evidence that is collected again and again: it drops a file that has not changed, and
 * keeps the new end of one that has only grown.
 */
export class EvidenceNews {
  readonly #known = new Map<string, Known>();

  /** Remember all of the first collection. */
  begin(folder: string): void {
    for (const path of filesBelow(folder)) {
      this.#known.set(relative(folder, path), knownOf(readFileSync(path)));
    }
  }

  /**
   * Leave in the folder of a later collection what is new in it.
   * @returns true when anything is
   */
  keep(folder: string): boolean {
    let isNew = false;
    for (const path of filesBelow(folder)) {
      const name = relative(folder, path);
      const bytes = readFileSync(path);
      const before = this.#known.get(name);
      this.#known.set(name, knownOf(bytes));
      const isGrown =
        before !== undefined &&
        bytes.length >= before.size &&
        sumOf(bytes.subarray(0, before.size)) === before.sum;
      if (!isGrown) isNew = true;
      else if (bytes.length === before.size) rmSync(path);
      else {
        isNew = true;
        const cut = Buffer.from(`[${before.size} bytes as in the evidence before]\n`);
        writeFileSync(path, Buffer.concat([cut, bytes.subarray(before.size)]));
      }
    }
    removeEmpty(folder);
    return isNew;
  }
}

function knownOf(bytes: Buffer): Known {
  return { size: bytes.length, sum: sumOf(bytes) };
}

function sumOf(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** Regular files, in any depth. */
function filesBelow(folder: string): string[] {
  return entriesOf(folder).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return filesBelow(path);
    return entry.isFile() ? [path] : [];
  });
}

function entriesOf(folder: string) {
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) return [];
  return readdirSync(folder, { withFileTypes: true });
}

/** @returns true when the folder is gone */
function removeEmpty(folder: string): boolean {
  const left = entriesOf(folder).filter(
    (entry) => !entry.isDirectory() || !removeEmpty(join(folder, entry.name)),
  );
  if (left.length > 0) return false;
  if (statSync(folder, { throwIfNoEntry: false }) !== undefined) rmdirSync(folder);
  return true;
}
