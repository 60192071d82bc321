import { constants } from "node:os";

/** Lines of a program's stderr that an error shows. */
const LINES = 20;
const LONGEST_LINE = 500;

/** Keeps the last lines of what a program says, for the error that tells of its end. */
export class LastWords {
  readonly #lines: string[] = [];
  #left = 0;

  add(line: string): void {
    if (line.trim() === "") return;
    this.#lines.push(line.length > LONGEST_LINE ? `${line.slice(0, LONGEST_LINE)}…` : line);
    if (this.#lines.length > LINES) {
      this.#lines.shift();
      this.#left += 1;
    }
  }

  /** On lines of their own below a message; empty when nothing was said. */
  toString(): string {
    const left = this.#left === 0 ? [] : [`(${this.#left} lines before these)`];
    return this.#lines.length === 0 ? "" : `:\n${[...left, ...this.#lines].join("\n")}`;
  }
}

export function lastWords(text: string): string {
  const words = new LastWords();
  for (const line of text.split("\n")) words.add(line);
  return words.toString();
}

/** `exit status 3`, or the signal that a shell tells as 128 + its number (signal(7)). */
export function exitText(status: number): string {
  const signal = Object.entries(constants.signals).find(
    ([, number]) => number + 128 === status,
  )?.[0];
  return signal === undefined ? `exit status ${status}` : `exit status ${status} (${signal})`;
}
