import type { Planted } from "./injection.ts";

/** The inodes that are planted for links now, in all containers. */
export class PlantedInodes {
  readonly #keys = new Set<string>();

  add(inode: Planted): void {
    this.#keys.add(keyOf(inode));
  }

  delete(inode: Planted): void {
    this.#keys.delete(keyOf(inode));
  }

  has(inode: Planted): boolean {
    return this.#keys.has(keyOf(inode));
  }
}

function keyOf({ dev, ino, birthtimeNs }: Planted): string {
  return `${dev}:${ino}:${birthtimeNs}`;
}
