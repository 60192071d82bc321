import { clock } from "../clock/clock.ts";
import { revisionOf } from "../control/device-meta.ts";
import type { StartedAppengineContainer } from "../appengine/started-appengine-container.ts";
import { parseSample, WATCH_SCRIPT } from "../watchers/sample.ts";
import type { WatchSample } from "../watchers/sample.ts";
import { violationsOf } from "../watchers/watchers.ts";
import type { Expected, Violation } from "../watchers/watchers.ts";
import { until } from "../until.ts";

/** Milliseconds in which what a check leaves behind has to go, such as sessions that end. */
const SETTLING = 3_000;
const LOOK = 5_000;
/** Milliseconds between two looks. */
const PAUSE = 3_000;
// Kept before a scenario can put another clock in its place.
const now = performance.now.bind(performance);

/** Watches the appengine of a scenario: what it has after the boot it may have later, and not much more. */
export class AppengineWatch {
  readonly #container: StartedAppengineContainer;
  readonly #expected: Expected;
  /** The sample that later ones are compared with. */
  #first: WatchSample | undefined;
  #told = false;
  #looked = now();

  private constructor(
    container: StartedAppengineContainer,
    expected: Expected,
    first: WatchSample | undefined,
  ) {
    this.#container = container;
    this.#expected = expected;
    this.#first = first;
  }

  /** A look costs some hundredths of a second: short checks share one. */
  get isDue(): boolean {
    return !this.#told && now() - this.#looked >= PAUSE;
  }

  /**
   * @param isReady false where the boot has not come to READY: then containers still start, and the
   *        first look after a check is what later ones are compared with
   */
  static async begin(
    container: StartedAppengineContainer,
    expected: Expected,
    isReady: boolean,
    signal: AbortSignal,
  ): Promise<AppengineWatch> {
    const first = isReady ? await sampleOf(container, signal).catch(() => undefined) : undefined;
    return new AppengineWatch(container, expected, first);
  }

  /**
   * The first violation of the scenario; later ones follow from it. A value beyond its limit counts
   * when it stays there.
   */
  async look(signal: AbortSignal): Promise<Violation | undefined> {
    if (this.#told) return undefined;
    this.#looked = now();
    const [soon] = await this.#violations(signal);
    if (soon === undefined) return undefined;
    const stays: { violation: Violation | undefined } = { violation: soon };
    await until(
      "what a check has left to go",
      async () => {
        [stays.violation] = await this.#violations(signal);
        return stays.violation === undefined;
      },
      { signal, timeout: SETTLING, every: 200 },
    ).catch(() => undefined);
    this.#told = stays.violation !== undefined;
    return stays.violation;
  }

  /** An appengine that cannot be looked at has ended, which the checks tell. */
  async #violations(signal: AbortSignal): Promise<Violation[]> {
    const sample = await sampleOf(this.#container, signal).catch(() => undefined);
    if (sample === undefined) return [];
    this.#first ??= sample;
    return violationsOf(this.#first, sample, this.#expected);
  }
}

async function sampleOf(
  { appengine, control }: StartedAppengineContainer,
  signal: AbortSignal,
): Promise<WatchSample> {
  const { stdout } = await appengine.sh(WATCH_SCRIPT, { signal, timeout: LOOK });
  const watch = clock.stopwatch();
  const reply = await control
    .send("GET", "/device-meta", { signal, timeout: LOOK })
    .catch(() => undefined);
  const answer = reply && { ms: watch.given, revision: revisionIn(reply.body) };
  return parseSample(stdout, answer);
}

function revisionIn(body: string): string | undefined {
  try {
    return revisionOf(JSON.parse(body));
  } catch {
    return undefined;
  }
}
