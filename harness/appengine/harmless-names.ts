/** Characters of a file's or folder's name in evidence. */
const LONGEST = 100;
/** Folders above a file; what lies deeper stands in the last of them. */
const DEEPEST = 24;

/**
 * Names for files that a container named: letters, digits and a little more, below the folder,
 * each only once, also where upper and lower case are the same. Neither a terminal, a shell nor
 * a CI's upload takes them for anything but names.
 */
export class HarmlessNames {
  readonly #folders = new Map<string, string>();
  readonly #taken = new Set<string>();
  /** Next number for a name that is taken. */
  readonly #numbers = new Map<string, number>();

  /** @param path as the archive has it, with `/` between folders */
  of(path: string): string {
    const parts = path.split("/").filter((part) => part !== "" && part !== ".");
    const name = parts.pop() ?? "";
    return this.#free(this.#folder(parts.slice(0, DEEPEST)), name);
  }

  #folder(parts: readonly string[]): string {
    let original = "";
    let folder = "";
    for (const part of parts) {
      original += `/${part}`;
      const known = this.#folders.get(original);
      folder = known ?? this.#free(folder, part);
      this.#folders.set(original, folder);
    }
    return folder;
  }

  #free(folder: string, part: string): string {
    const wanted = `${folder}${folder === "" ? "" : "/"}${harmless(part)}`;
    let path = wanted;
    while (this.#taken.has(path.toLowerCase())) {
      const number = (this.#numbers.get(wanted.toLowerCase()) ?? 1) + 1;
      this.#numbers.set(wanted.toLowerCase(), number);
      path = `${wanted}~${number}`;
    }
    this.#taken.add(path.toLowerCase());
    return path;
  }
}

function harmless(part: string): string {
  const plain = part
    .replaceAll(/[^\w.@+=-]/g, "_")
    .replace(/^[.-]+|\.+$/g, (dots) => "_".repeat(dots.length));
  return plain.length > LONGEST ? `${plain.slice(0, LONGEST - 1)}~` : plain || "_";
}

/** A name as ASCII in quotes, for people: nothing in it acts on a terminal. */
export function quotedName(name: string): string {
  return JSON.stringify(name).replaceAll(
    /[^\u0020-\u007e]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
