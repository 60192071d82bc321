import { quotedName } from "./harmless-names.ts";

/** Names of one reason that are told. */
const NAMED = 20;

/** End of the reason for a link, a device or a FIFO. */
export const NO_FILE = ", no file";

interface Kind {
  count: number;
  bytes: number;
  readonly names: string[];
}

/** Files that were not kept as evidence, by reason. */
export class LeftOut {
  readonly #kinds = new Map<string, Kind>();

  add(reason: string, name: string, bytes = 0): void {
    const kind = this.#kinds.get(reason) ?? { count: 0, bytes: 0, names: [] };
    this.#kinds.set(reason, kind);
    kind.count += 1;
    kind.bytes += bytes;
    if (kind.names.length < NAMED) kind.names.push(quotedName(name));
  }

  /** True when nothing was left out but what holds no bytes of its own. */
  get isNoFilesAlone(): boolean {
    return [...this.#kinds.keys()].every((reason) => reason.endsWith(NO_FILE));
  }

  /** One line: `left out: 18004 (beyond 2000 files, 123 bytes), 2 (a symlink)`. */
  summary(): string {
    const kinds = [...this.#kinds].map(
      ([reason, { count, bytes }]) => `${count} (${reason}${bytes > 0 ? `, ${bytes} bytes` : ""})`,
    );
    return `left out: ${kinds.length === 0 ? "nothing" : kinds.join(", ")}`;
  }

  /** A paragraph for each reason, with the first names. */
  details(): string[] {
    return [...this.#kinds].map(([reason, { count, names }]) => {
      const more = count > names.length ? [`  and ${count - names.length} more`] : [];
      return [`left out, ${reason}: ${count}`, ...names.map((name) => `  ${name}`), ...more].join(
        "\n",
      );
    });
  }
}
