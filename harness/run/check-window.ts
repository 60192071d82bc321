import type { Appengine } from "../appengine/appengine.ts";
import { LogReader } from "../appengine/log-reader.ts";

/** Evidence that belongs to one check, and not to what went on before it or beside it. */
export interface CheckTraces {
  /** Lines that came during the check, by the log's path below the log root. */
  readonly lines: ReadonlyMap<string, readonly string[]>;
  /** Containers that the check entered. */
  readonly entered: ReadonlySet<string>;
}

/** Begins with a check, and tells afterwards which lines of the logs came during it. */
export class CheckWindow {
  readonly #appengine: Appengine;
  readonly #reader: LogReader;
  readonly #entered = new Set<string>();

  private constructor(appengine: Appengine) {
    this.#appengine = appengine;
    this.#reader = new LogReader(appengine);
  }

  /** Never throws: an appengine that cannot be asked has no lines of the check. */
  static async begin(appengine: Appengine, signal: AbortSignal): Promise<CheckWindow> {
    const window = new CheckWindow(appengine);
    appengine.onEnter = (container) => window.#entered.add(container);
    await window.#reader.skip(signal).catch(() => undefined);
    return window;
  }

  /** Never throws. */
  async end(signal: AbortSignal): Promise<CheckTraces> {
    this.#appengine.onEnter = undefined;
    const news = await this.#reader.look(signal).catch(() => []);
    return {
      lines: new Map(news.map(({ source, lines }) => [source, lines])),
      entered: this.#entered,
    };
  }
}
