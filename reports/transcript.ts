import type { RecordedEvent } from "./events.ts";
import { printableLine } from "./printable.ts";

/** Requests to pv-ctrl and commands of one check, and the last lines that the appengine logged meanwhile. */
export interface Transcript {
  /** One line each, in order; polls that got the same reply are told once. */
  readonly entries: readonly string[];
  readonly log: readonly string[];
}

/** Most entries of a check. */
const MOST_ENTRIES = 500;
/** Lines of the log that are kept. */
const MOST_LINES = 12;

/** Lines that would hide the others: 029-32 logs each request, and liblxc each step of a start. */
const NOISE = /\sDEBUG\s|\s(INFO|NOTICE|TRACE)\s+\w+ - \S+\.c:/;

/**
 * The transcripts of the last attempts. A check that never began, because the boot failed, has that of the
 * boot.
 *
 * @returns by scenario and check, as transcriptKey joins them
 */
export function transcriptsOf(events: Iterable<RecordedEvent>): Map<string, Transcript> {
  const transcripts = new Map<string, Transcript>();
  const writers = new Map<string, Writer>();
  for (const event of events) {
    if (!("scenario" in event)) continue;
    const { scenario } = event;
    if (event.type === "scenario.started" || event.type === "check.started") {
      writers.set(scenario, new Writer());
    }
    const writer = writers.get(scenario);
    if (writer === undefined) continue;
    // Commands that collect evidence can come before the verdict, and are later than it.
    if (event.type === "check.finished") {
      transcripts.set(transcriptKey(scenario, event.check), writer.until(event.t));
    } else {
      writer.add(event);
    }
  }
  return transcripts;
}

export function transcriptKey(scenario: string, check: string): string {
  return `${scenario}\0${check}`;
}

interface Timed {
  readonly t: number;
  readonly text: string;
}

class Writer {
  readonly #entries: Timed[] = [];
  #log: readonly string[] = [];
  /** Replies to polls since the last thing that could change one. */
  readonly #polled = new Set<string>();

  add(event: RecordedEvent): void {
    if (event.type === "control") {
      const { t, method, path, status, error = "no whole reply" } = event;
      const text = printableLine(`${method} ${path}: ${status ?? error}`, 200);
      if (method === "GET") this.#poll({ t, text });
      else this.#act({ t, text });
    } else if (event.type === "step") {
      const { t, text, status } = event;
      const end = status === undefined ? "did not end" : `exit ${status}`;
      this.#act({ t, text: `${printableLine(text, 150)}: ${end}` });
    } else if (event.type === "log") {
      const lines = event.lines.filter((line) => !NOISE.test(line));
      const told = lines.map((line) => printableLine(`${event.source}: ${line}`, 240));
      this.#log = [...this.#log, ...told].slice(-MOST_LINES);
    }
  }

  until(end: number): Transcript {
    const entries = this.#entries.filter(({ t }) => t <= end).map(({ text }) => text);
    return { entries, log: this.#log };
  }

  #poll(entry: Timed): void {
    if (this.#polled.has(entry.text)) return;
    this.#polled.add(entry.text);
    this.#push(entry);
  }

  #act(entry: Timed): void {
    if (this.#entries.at(-1)?.text === entry.text) return;
    this.#polled.clear();
    this.#push(entry);
  }

  #push(entry: Timed): void {
    if (this.#entries.length < MOST_ENTRIES) this.#entries.push(entry);
  }
}
