import type { Appengine, ObservedCommand } from "../appengine/appengine.ts";
import { logFact } from "../appengine/log-facts.ts";
import { LogReader } from "../appengine/log-reader.ts";
import type { NewLines } from "../appengine/log-reader.ts";
import type { ControlCall } from "../control/control-client.ts";
import { messageOfThrown } from "../thrown.ts";
import { linksOf } from "./graph-links.ts";
import type { Testimony } from "./testimony.ts";

/**
 * Milliseconds between two looks at the logs, at least, and in looks: a busy machine takes long for one, and
 * all of them are to take some hundredths of a run.
 */
const EVERY = 300;
const PART = 40;
/** Most of each kind for one scenario in one appengine; the evidence has the rest. */
const MOST_LINES = 3_000;
const MOST_CALLS = 500;
const MOST_STEPS = 1_000;
/** Lines of one event: with the longest lines it stays below the length of an event. */
const LINES_OF_EVENT = 60;
const LONGEST = 200;

// Kept before a scenario can put another clock in its place.
const now = performance.now.bind(performance);
const later = setTimeout;

/** @returns undefined where the environment wants no timeline */
export function recordTimeline(
  appengine: Appengine,
  scenario: string,
  record: (testimony: Testimony) => void,
): TimelineRecorder | undefined {
  if (process.env["PVH_TIMELINE"] === "off") return undefined;
  return new TimelineRecorder(appengine, scenario, record);
}

/** Readers of appengines that several scenarios use in turn. */
const readers = new WeakMap<Appengine, LogReader>();

/**
 * Tells the record what goes on in an appengine while a scenario uses it: its logs, changes of containers
 * and links, requests to pv-ctrl, commands. It asks over the shell that the checks use, between their
 * commands, and ends itself at the first trouble: no verdict rests on it.
 */
export class TimelineRecorder {
  readonly #appengine: Appengine;
  readonly #scenario: string;
  readonly #record: (testimony: Testimony) => void;
  readonly #reader: LogReader;
  readonly #over = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> | undefined;
  #lines = 0;
  #left = 0;
  #calls = 0;
  #steps = 0;
  #graph = "";

  constructor(appengine: Appengine, scenario: string, record: (testimony: Testimony) => void) {
    this.#appengine = appengine;
    this.#scenario = scenario;
    this.#record = record;
    this.#reader = readers.get(appengine) ?? new LogReader(appengine);
    readers.set(appengine, this.#reader);
    appengine.control.onCall = (call) => this.#called(call);
    appengine.onCommand = (command) => this.#stepped(command);
    this.#lookAgain(EVERY);
  }

  #lookAgain(pause: number): void {
    if (this.#over.signal.aborted) return;
    const begun = now() + pause;
    this.#timer = later(
      () => void this.look().then(() => this.#lookAgain(Math.max(EVERY, PART * (now() - begun)))),
      pause,
    );
    this.#timer.unref();
  }

  /** Look at the logs now, or wait for the look that is under way. Never throws. */
  look(): Promise<void> {
    this.#looking ??= this.#lookNow().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  /** Tell the last lines, and no more. Never throws. */
  async end(): Promise<void> {
    clearTimeout(this.#timer);
    if (!this.#over.signal.aborted) {
      await this.#looking;
      await this.look();
    }
    this.#over.abort();
    this.#appengine.control.onCall = undefined;
    this.#appengine.onCommand = undefined;
    if (this.#left > 0) this.#tellLog({ source: "", lines: [], more: this.#left });
    this.#left = 0;
  }

  async #lookNow(): Promise<void> {
    if (this.#over.signal.aborted) return;
    try {
      for (const news of await this.#reader.look(this.#over.signal)) this.#logged(news);
    } catch {
      clearTimeout(this.#timer);
      this.#over.abort();
    }
  }

  #logged({ source, lines, skipped }: NewLines): void {
    const room = Math.max(0, MOST_LINES - this.#lines);
    const kept = lines.slice(0, room);
    this.#lines += kept.length;
    this.#left += lines.length - kept.length + (skipped > 0 ? 1 : 0);
    for (let from = 0; from < kept.length; from += LINES_OF_EVENT) {
      this.#tellLog({ source, lines: kept.slice(from, from + LINES_OF_EVENT) });
    }
    if (!source.endsWith("/pantavisor/pantavisor.log")) return;
    for (const line of kept) {
      const fact = logFact(line);
      if (fact !== undefined) this.#record({ ...fact, ...this.#of() });
    }
  }

  #tellLog(log: {
    readonly source: string;
    readonly lines: readonly string[];
    readonly more?: number;
  }): void {
    this.#record({ type: "log", ...this.#of(), ...log });
  }

  #called({ method, path, ms, status, error, body }: ControlCall): void {
    this.#calls += 1;
    if (this.#calls <= MOST_CALLS) {
      this.#record({
        type: "control",
        ...this.#of(),
        method,
        path: path.slice(0, LONGEST),
        ms,
        ...(status !== undefined && { status }),
        ...(error !== undefined && { error: messageOfThrown(error).slice(0, LONGEST) }),
      });
    }
    if (path !== "/xconnect-graph" || status !== 200 || body === undefined) return;
    if (body === this.#graph) return;
    this.#graph = body;
    const links = linksOf(body);
    if (links !== undefined) this.#record({ type: "graph", ...this.#of(), links });
  }

  #stepped({ text, ms, status }: ObservedCommand): void {
    this.#steps += 1;
    if (this.#steps > MOST_STEPS) return;
    const brief = text.slice(0, 2_000).replaceAll(/\s+/g, " ").trim().slice(0, LONGEST);
    const ended = status === undefined ? {} : { status };
    this.#record({ type: "step", ...this.#of(), text: brief, ms, ...ended });
  }

  #of(): { readonly scenario: string; readonly appengine: string } {
    return { scenario: this.#scenario, appengine: this.#appengine.name };
  }
}
