import { closeSync, constants, fstatSync, openSync, readdirSync, readFileSync } from "node:fs";
import { realpathSync } from "node:fs";
import { join, sep } from "node:path";
import { messageOfThrown } from "../thrown.ts";

/** Bytes of a file that is read; the largest recipe or configuration has 60 KiB. */
const LARGEST = 1 << 20;
/** Entries that are listed in all; the layer has 700 files. */
const MOST = 50_000;

/**
 * The files of a checkout of meta-pantavisor, read leniently: anybody may have written them. Only
 * regular files inside the checkout are read, and of these no more than 1 MiB.
 */
export class Checkout {
  readonly root: string;
  /** Why a file that is there could not be read, by its path. */
  readonly unread = new Map<string, string>();
  readonly #texts = new Map<string, string | undefined>();
  #entries = 0;

  constructor(root: string) {
    this.root = realpathSync(root);
  }

  /** @returns undefined for a file that is missing or cannot be read; `unread` says why */
  text(path: string): string | undefined {
    if (!this.#texts.has(path)) this.#texts.set(path, this.#read(path));
    return this.#texts.get(path);
  }

  has(path: string): boolean {
    return this.#inside(path) !== undefined;
  }

  /** Names in a folder, sorted; none where it is missing. */
  names(folder: string): string[] {
    return this.#list(folder).map(({ name }) => name);
  }

  /** Regular files below a folder that end so, sorted. Links to folders are not followed. */
  under(folder: string, ...endings: readonly string[]): string[] {
    return this.#list(folder).flatMap((entry) => {
      const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory()) return entry.name === ".git" ? [] : this.under(path, ...endings);
      return endings.some((ending) => entry.name.endsWith(ending)) ? [path] : [];
    });
  }

  #list(folder: string) {
    const path = this.#inside(folder);
    if (path === undefined || this.#entries > MOST) return [];
    try {
      const entries = readdirSync(path, { withFileTypes: true });
      this.#entries += entries.length;
      return entries.sort((a, b) => (a.name < b.name ? -1 : 1)).slice(0, MOST);
    } catch {
      return [];
    }
  }

  #read(path: string): string | undefined {
    const real = this.#inside(path);
    if (real === undefined) return undefined;
    let fd: number | undefined;
    try {
      // A pipe would be waited for.
      fd = openSync(real, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
      const facts = fstatSync(fd);
      if (!facts.isFile()) throw new Error("it is not a regular file");
      if (facts.size > LARGEST) throw new Error(`it has more than ${LARGEST} bytes`);
      return readFileSync(fd, "utf8")
        .replaceAll("\r\n", "\n")
        .replace(/^\uFEFF/, "");
    } catch (error) {
      this.unread.set(path, messageOfThrown(error));
      return undefined;
    } finally {
      if (fd !== undefined) closeSync(fd);
    }
  }

  /** The real path, unless a link leads out of the checkout or nowhere. */
  #inside(path: string): string | undefined {
    try {
      const real = realpathSync(join(this.root, path));
      if (real === this.root || real.startsWith(this.root + sep)) return real;
      this.unread.set(path, "it is a link out of the checkout");
    } catch {
      // It is not there.
    }
    return undefined;
  }
}
