import { AsyncLocalStorage } from "node:async_hooks";
import type { Quote } from "../reports/failure-details.ts";

/** Characters of a reply or an output that a failure quotes, and its lines. */
const LONGEST = 2_000;
const LINES = 10;

const looking = new AsyncLocalStorage<Observed>();

/** The last reply or output that came in while a wait looked for something. */
export class Observed {
  #seen: Quote | undefined;

  get seen(): Quote | undefined {
    return this.#seen;
  }

  set seen(quote: Quote | undefined) {
    this.#seen = quote;
  }

  during<T>(look: () => Promise<T>): Promise<T> {
    return looking.run(this, look);
  }
}

/**
 * Tell the wait that is under way what has come in; without one nothing happens.
 * @param from the question, as "GET /containers"
 */
export function observed(from: string, text: string): void {
  const wait = looking.getStore();
  if (wait === undefined) return;
  const lines = text.slice(-LONGEST).trim().split("\n").slice(-LINES);
  wait.seen = {
    from: oneLine(from),
    lines: lines.length === 1 && lines[0] === "" ? ["nothing"] : lines,
  };
}

function oneLine(text: string): string {
  const line = text.trim().replace(/\s+/g, " ");
  return line.length <= 160 ? line : `${line.slice(0, 160)}…`;
}
